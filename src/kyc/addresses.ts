import { postcodeValidator, postcodeValidatorExistsForCountry } from 'postcode-validator';
import type { FieldFault } from '../core/errors.js';
import { hasSubdivisions, subdivisionByCode, subdivisionsNamed } from './countries.js';
import type { Address, AddressPatch } from './fields.js';
import { fault } from './text.js';

/**
 * Countries whose postal codes postcode-validator knows in an older or a single form only: the four digits that most
 * Argentines still write, ZIP+4 in American Samoa, seven digits in Egypt, six in Cambodia and Paraguay, the
 * alphanumeric codes of Kazakhstan, +4 in Saudi Arabia, region letters in Somalia and Venezuela, bare digits in El Salvador.
 * Refusing these would refuse real addresses, so any plausible code passes.
 */
const LIBRARY_IS_BEHIND: ReadonlySet<string> = new Set(['AR', 'AS', 'EG', 'KH', 'KZ', 'PY', 'SA', 'SO', 'SV', 'VE']);

/** Letters and digits with the odd separator: all that a postal code anywhere has. */
const PLAUSIBLE_POSTAL_CODE = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ./-]*$/u;

/**
 * Countries with one level of subdivisions, in life as in ISO 3166-2: two that differ contradict each other there.
 * Elsewhere a region and a district of it may both be right, and the data does not always say which lies in which.
 */
const ONE_LEVEL_OF_SUBDIVISIONS: ReadonlySet<string> = new Set(['AU', 'CA', 'US']);

/** ISO 3166-2 is in Latin letters only. */
const LETTER_OF_ANOTHER_SCRIPT = /(?!\p{Script=Latin})\p{L}/u;

/** Whether addresses of a country have postal codes; not where the library itself lets them be empty. */
export function hasPostalCodes(country: string): boolean {
  return postcodeValidatorExistsForCountry(country) && !postcodeValidator('', country);
}

/**
 * Whether a postal code has its country's form. Case, separators and a leading country code are habits, not
 * information: 1000001 is as good as 100-0001 in Japan, and LV-1010 as 1010 in Latvia.
 */
export function isPostalCodeOf(country: string, postalCode: string): boolean {
  if (!hasPostalCodes(country) || LIBRARY_IS_BEHIND.has(country)) return PLAUSIBLE_POSTAL_CODE.test(postalCode);
  const text = postalCode.toUpperCase();
  const compact = text.replace(/[\s-]/gu, '');
  const bare = compact.startsWith(country) ? compact.slice(country.length) : compact;
  return [text, ...punctuations(compact), ...punctuations(bare), ...punctuations(country + bare)].some((form) => postcodeValidator(form, country));
}

function punctuations(compact: string): string[] {
  const forms = [compact];
  for (let at = 1; at < compact.length; at += 1) {
    forms.push(`${compact.slice(0, at)}-${compact.slice(at)}`, `${compact.slice(0, at)} ${compact.slice(at)}`);
  }
  return forms;
}

/**
 * The faults of an address whose parts are each well-formed: subdivision and postal code against the country
 * (domain.md, Evaluation 1). Only what the patch touches is judged, each fault at the part that does not fit,
 * whether the patch gave it or it was stored. Without a country nothing can be judged yet.
 */
export function addressFaults(address: Address, patch: AddressPatch, path: string): FieldFault[] {
  const { country, postalCode } = address;
  if (country === undefined) return [];
  const faults: FieldFault[] = [];
  const touches = (...names: (keyof Address)[]) => names.some((name) => patch[name] !== undefined);
  if (touches('country', 'state', 'stateCode')) faults.push(...subdivisionFaults(country, address, path));
  if (touches('country', 'postalCode') && postalCode !== undefined && !isPostalCodeOf(country, postalCode)) {
    faults.push(fault(`${path}.postalCode`, 'invalid', 'The postal code does not have the form of its country.'));
  }
  return faults;
}

function subdivisionFaults(country: string, address: Address, path: string): FieldFault[] {
  const { state, stateCode } = address;
  // Kowloon is no subdivision of ISO's, but it is in addresses; and PR is how US addresses write Puerto Rico.
  if (!hasSubdivisions(country)) {
    return stateCode === undefined || stateCode === country || stateCode === `US-${country}` ? [] : [notASubdivision(`${path}.stateCode`)];
  }
  const coded = stateCode === undefined ? undefined : subdivisionByCode(country, stateCode);
  if (stateCode !== undefined && !coded) return [notASubdivision(`${path}.stateCode`)];
  if (state === undefined) return [];
  const named = subdivisionsNamed(country, state);
  if (coded) {
    // With the code the name may be in any language: Bavaria, BY. Only where it names another one it is a contradiction.
    const contradicts = ONE_LEVEL_OF_SUBDIVISIONS.has(country) && named.length > 0 && !named.includes(coded);
    return contradicts ? [fault(`${path}.state`, 'contradiction', 'state and stateCode name different subdivisions.')] : [];
  }
  // A name in another script cannot be looked up; it is kept, and the code stays required.
  return named.length > 0 || LETTER_OF_ANOTHER_SCRIPT.test(state) ? [] : [notASubdivision(`${path}.state`)];
}

function notASubdivision(path: string): FieldFault {
  return fault(path, 'not_a_subdivision', 'This is not a subdivision of the country of the address. Give the ISO 3166-2 code as stateCode; with it, state may be in any language.');
}

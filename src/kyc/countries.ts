import { iso31661, iso31661Alpha3ToAlpha2, iso31662 } from 'iso-3166';

/** A subdivision of ISO 3166-2. `code` is without its country: `CA`, not `US-CA`. */
export interface Subdivision {
  readonly code: string;
  readonly name: string;
}

interface CountrySubdivisions {
  readonly byCode: Map<string, Subdivision>;
  /** By folded name; two where a city and its district share one, as Almaty. */
  readonly byName: Map<string, Subdivision[]>;
}

const COUNTRY_CODE_LENGTH = 2;
const COUNTRIES: ReadonlySet<string> = new Set(iso31661.map((country) => country.alpha2));
const ALPHA_3: Readonly<Record<string, string>> = iso31661Alpha3ToAlpha2;
/** Made when it is first asked for: not every start needs it. */
let index: Map<string, CountrySubdivisions> | undefined;
const subdivisionsOf = (country: string): CountrySubdivisions | undefined => (index ??= indexSubdivisions()).get(country);

/** The alpha-2 code of an ISO 3166-1 country given as alpha-2 or alpha-3 in any case, else undefined. */
export function countryCodeOf(value: string): string | undefined {
  const code = value.toUpperCase();
  if (COUNTRIES.has(code)) return code;
  return Object.hasOwn(ALPHA_3, code) ? ALPHA_3[code] : undefined;
}

/** Whether ISO 3166-2 divides the country. US territories such as PR are countries of their own without subdivisions. */
export function hasSubdivisions(country: string): boolean {
  return subdivisionsOf(country) !== undefined;
}

/** The subdivision with this code, given with or without its country, in any case. */
export function subdivisionByCode(country: string, code: string): Subdivision | undefined {
  const upper = code.toUpperCase();
  const local = upper.startsWith(`${country}-`) ? upper.slice(COUNTRY_CODE_LENGTH + 1) : upper;
  return subdivisionsOf(country)?.byCode.get(local);
}

/**
 * The subdivisions that go by this name, or else by this code; accents, case and punctuation do not count.
 * More than one where the name alone does not decide.
 */
export function subdivisionsNamed(country: string, name: string): readonly Subdivision[] {
  const named = subdivisionsOf(country)?.byName.get(folded(name));
  if (named) return named;
  const coded = subdivisionByCode(country, name);
  return coded ? [coded] : [];
}

function indexSubdivisions(): Map<string, CountrySubdivisions> {
  const countries = new Map<string, CountrySubdivisions>();
  for (const entry of iso31662) {
    const country = entry.code.slice(0, COUNTRY_CODE_LENGTH);
    let divided = countries.get(country);
    if (!divided) countries.set(country, (divided = { byCode: new Map(), byName: new Map() }));
    const subdivision = { code: entry.code.slice(COUNTRY_CODE_LENGTH + 1), name: entry.name };
    divided.byCode.set(subdivision.code, subdivision);
    for (const name of spellings(entry.name)) {
      divided.byName.set(name, [...(divided.byName.get(name) ?? []), subdivision]);
    }
  }
  return countries;
}

/**
 * The ways people write a name that ISO writes as "London, City of", "Bolama / Bijagós" or "Puducherry
 * (Pondicherry)": whole, turned round, each part alone, and without the brackets.
 */
function spellings(name: string): ReadonlySet<string> {
  const bare = name.replace(/\s*\(.*\)/u, '');
  const bracketed = /\(([^)]*)\)/u.exec(name)?.[1] ?? '';
  const [head = '', ...tail] = bare.split(', ');
  // Only a single comma inverts a name; "Newry, Mourne and Down" has one too, but nobody asks for "Mourne and Down".
  const turned = tail.length === 1 ? [`${tail[0]} ${head}`, head] : [];
  const all = [name, bare, bracketed, ...turned, ...bare.split(' / ')].map(folded);
  return new Set(all.filter((spelling) => spelling !== ''));
}

/** Accents and apostrophes of every kind vanish, other punctuation is a space: Hawaiʻi and Hawaii are one. */
function folded(name: string): string {
  return name.normalize('NFD').replace(/[\p{M}\p{Lm}'‘’`´]/gu, '').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim();
}

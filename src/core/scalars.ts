import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import { GraphQLEmailAddress, GraphQLIP, GraphQLURL } from 'graphql-scalars';
import { iso31661, iso31661Alpha3ToAlpha2 } from 'iso-3166';
import { isCalendarDate } from './calendar.js';
import { ERROR_CODES } from './errors.js';

/** RFC 3339 with the lenience of the contract: a space for the T, any fraction, or a bare date (midnight UTC). */
const DATE_TIME = /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2}))?$/;
/** Length of YYYY-MM-DD. */
const DAY_LENGTH = 10;
/** JavaScript's dates count milliseconds: digits behind these are cut. */
const FRACTION_DIGITS = 3;
/** RFC 5321, 4.5.3.1.3: a path is at most 256 octets with its angle brackets. */
const LONGEST_EMAIL = 254;
/** Longer than any browser or store takes. */
const LONGEST_URL = 2_048;

/** Says what is wanted and never repeats what was given: it may be personal data. */
function fault(message: string, node?: ValueNode): GraphQLError {
  return new GraphQLError(message, { nodes: node ?? null, extensions: { code: 'BAD_USER_INPUT', statusCode: ERROR_CODES.BAD_USER_INPUT.statusCode } });
}

function textScalar(name: string, description: string, parse: (text: string) => string | Date, serialize: (value: unknown) => string = String): GraphQLScalarType {
  const parseText = (value: unknown): string | Date => {
    if (typeof value !== 'string') throw fault(`A ${name} is a string.`);
    return parse(value);
  };
  return new GraphQLScalarType({
    name,
    description,
    serialize,
    parseValue: parseText,
    parseLiteral: (node: ValueNode) => {
      if (node.kind !== Kind.STRING) throw fault(`A ${name} is a string.`, node);
      try {
        return parse(node.value);
      } catch (error) {
        throw fault((error as GraphQLError).message, node);
      }
    },
  });
}

function parseDateTime(text: string): Date {
  const wanted = 'Expected a date and time such as 2026-01-31T09:30:00Z.';
  const match = DATE_TIME.exec(text);
  const day = match?.[1];
  if (!match || !day || !isCalendarDate(day)) throw fault(wanted);
  const [, , hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = match;
  const date = new Date(`${day}T${hour}:${minute}:${second}.${fraction.slice(0, FRACTION_DIGITS).padEnd(FRACTION_DIGITS, '0')}${zone.toUpperCase()}`);
  // The zone may carry it beyond the years that a calendar date can be written with.
  if (Number.isNaN(date.getTime()) || !isCalendarDate(date.toISOString().split('T', 1)[0] ?? '')) throw fault(wanted);
  return date;
}

/** A time of day without a zone, which plays no part where the calendar date alone is kept. */
const WITHOUT_ZONE = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?$/;

function parseDate(text: string): string {
  if (isCalendarDate(text)) return text;
  const day = text.slice(0, DAY_LENGTH);
  try {
    parseDateTime(WITHOUT_ZONE.test(text) ? `${text}Z` : text);
  } catch {
    throw fault('Expected a calendar date such as 1990-01-31.');
  }
  if (!isCalendarDate(day)) throw fault('Expected a calendar date such as 1990-01-31.');
  return day;
}

const ALPHA_2 = new Set(iso31661.map((country) => country.alpha2));
const ALPHA_3 = new Map(Object.entries(iso31661Alpha3ToAlpha2));

function parseCountry(text: string): string {
  const code = text.toUpperCase();
  const alpha2 = ALPHA_2.has(code) ? code : ALPHA_3.get(code);
  if (alpha2 === undefined) throw fault('Expected a country of ISO 3166-1, such as DE or DEU.');
  return alpha2;
}

/** Takes another library's check without its message, which repeats the value. */
function checkedBy(scalar: GraphQLScalarType, longest: number, message: string): (text: string) => string {
  return (text) => {
    const trimmed = text.trim();
    if (trimmed.length > longest) throw fault(message);
    try {
      scalar.parseValue(trimmed);
    } catch {
      throw fault(message);
    }
    return trimmed;
  };
}

const UTC_OFFSET = '+00:00';
/** What is put behind a moment that the database has written, by its length: it leaves out the zeros at the end of a fraction. */
const ENDS: Readonly<Record<number, string>> = {
  ['2026-01-31T09:30:00'.length]: '.000Z',
  ['2026-01-31T09:30:00.1'.length]: '00Z',
  ['2026-01-31T09:30:00.12'.length]: '0Z',
  ['2026-01-31T09:30:00.123'.length]: 'Z',
};
const PLACE_OF_T = '2026-01-31'.length;

/** A moment as it is shown. What the database writes is that already, but for its end: pages hold hundreds, and a Date for each costs more than all else of them. */
function writtenMoment(value: unknown): string {
  if (typeof value === 'string' && value[PLACE_OF_T] === 'T' && value.endsWith(UTC_OFFSET)) {
    const end = ENDS[value.length - UTC_OFFSET.length];
    if (end !== undefined) return value.slice(0, -UTC_OFFSET.length) + end;
  }
  return (value instanceof Date ? value : new Date(String(value))).toISOString();
}

export const DateTimeScalar = textScalar(
  'DateTime',
  'A moment, RFC 3339, in UTC on output. Input also takes a space for the T, any fraction of a second (cut to milliseconds) and a bare date (midnight UTC).',
  parseDateTime,
  writtenMoment,
);

export const DateScalar = textScalar('Date', 'A calendar date, ISO 8601. Input also takes a timestamp and keeps its calendar date.', parseDate);

export const CountryCodeScalar = textScalar('CountryCode', 'A country of ISO 3166-1. Input: alpha-2 or alpha-3, in any case. Output: alpha-2.', parseCountry);

export const EmailAddressScalar = textScalar(
  'EmailAddress',
  'An e-mail address.',
  checkedBy(GraphQLEmailAddress, LONGEST_EMAIL, 'Expected an e-mail address such as ada@example.com.'),
);

export const URLScalar = textScalar('URL', 'An absolute URL.', checkedBy(GraphQLURL, LONGEST_URL, 'Expected an absolute URL such as https://example.com/file.jpg.'));

/** The longest form of IPv6, with an embedded IPv4 address. */
const LONGEST_IP_ADDRESS = 45;
export const IPAddressScalar = textScalar('IPAddress', 'An IPv4 or IPv6 address.', checkedBy(GraphQLIP, LONGEST_IP_ADDRESS, 'Expected an IPv4 or IPv6 address.'));

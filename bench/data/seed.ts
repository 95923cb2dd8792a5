// Numbers and ids from a seed: the same rows in every run, whatever order they are made in.

const SEED = 0x6b79_6367;
/** The digits of Crockford's base 32 as ids have them. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const BITS = 5;
/** Of a UUIDv7 in base 32: those of its milliseconds, and all. */
const TIME_DIGITS = 10;
const ID_DIGITS = 26;
/** Random digits that one number of 32 bits gives. */
const DIGITS_A_NUMBER = 6;

/** 32 bits that look random, from a name and two numbers (the finaliser of MurmurHash3). */
export function noise(name: string, number: number, part = 0): number {
  let hash = SEED;
  for (let place = 0; place < name.length; place += 1) hash = mixed(hash ^ name.charCodeAt(place));
  return mixed(mixed(hash ^ number) ^ part) >>> 0;
}

function mixed(bits: number): number {
  const first = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2_ae35);
  return second ^ (second >>> 16);
}

/** One of several, by weight. */
export function pick<Word extends string>(weights: Readonly<Record<Word, number>>, random: number): Word {
  const entries = Object.entries(weights) as [Word, number][];
  let left = random % entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [word, weight] of entries) {
    left -= weight;
    if (left < 0) return word;
  }
  throw new Error('Weights are whole numbers above 0');
}

/**
 * The id of the object with this number: it sorts by the moment of its making, as ids do. The last digit is 0, so that
 * copies of the rows can take the others.
 */
export function idOf(prefix: string, number: number, moment: number): string {
  let time = '';
  for (let left = moment, digit = 0; digit < TIME_DIGITS; digit += 1, left = Math.floor(left / DIGITS.length)) time = (DIGITS[left % DIGITS.length] ?? '') + time;
  let random = '';
  for (let part = 0; random.length < ID_DIGITS - TIME_DIGITS - 1; part += 1) {
    const bits = noise(prefix, number, part);
    for (let digit = 0; digit < DIGITS_A_NUMBER; digit += 1) random += DIGITS[(bits >>> (digit * BITS)) & (DIGITS.length - 1)];
  }
  return `${prefix}_${time}${random.slice(0, ID_DIGITS - TIME_DIGITS - 1)}0`;
}

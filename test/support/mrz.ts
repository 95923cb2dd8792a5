/** What a test's passport says in its machine-readable zone. */
export interface Passport {
  number: string;
  lastName: string;
  firstNames: string;
  /** YYMMDD, as the date of expiry. */
  birth: string;
  expiry: string;
}

/** ICAO 9303-3, 4.9: weights 7, 3, 1; letters count from 10, the filler 0. */
function checkDigit(text: string): string {
  const sum = Array.from(text).reduce((total, letter, index) => total + (letter === '<' ? 0 : Number.parseInt(letter, 36)) * ([7, 3, 1][index % 3] ?? 0), 0);
  return String(sum % 10);
}

/** The zone of a German passport (TD3), with true check digits. */
export function passportZone({ number, lastName, firstNames, birth, expiry }: Passport): string {
  const upper = `P<D<<${lastName}<<${firstNames.replaceAll(' ', '<')}`.padEnd(44, '<').slice(0, 44);
  const [documentNumber, personal] = [number.padEnd(9, '<'), '<'.repeat(14)];
  const parts = [documentNumber + checkDigit(documentNumber), birth + checkDigit(birth), expiry + checkDigit(expiry), `${personal}${checkDigit(personal)}`];
  return `${upper}\n${parts[0]}D<<${parts[1]}F${parts[2]}${parts[3]}${checkDigit(parts.join(''))}`;
}

export const ADA: Passport = { number: 'C01X00T47', lastName: 'LOVELACE', firstNames: 'ADA', birth: '900131', expiry: '991231' };

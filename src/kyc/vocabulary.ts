/**
 * A closed set of words, each with what it means to a partner. GraphQL enumerations, validation and
 * documentation are all made from it, so a word and its meaning are written once.
 */
export interface Vocabulary<Word extends string> {
  readonly name: string;
  readonly description: string;
  /** Each word as itself, in the form of a TypeScript string enum: what `registerEnumType` takes. */
  readonly values: { readonly [W in Word]: W };
  readonly descriptions: { readonly [W in Word]: string };
}

/** The union of a vocabulary's words, as a type. */
export type WordOf<V> = V extends Vocabulary<infer Word> ? Word : never;

/** Declares a vocabulary from its words and their descriptions. */
export function vocabulary<const Descriptions extends Readonly<Record<string, string>>>(
  name: string,
  description: string,
  descriptions: Descriptions,
): Vocabulary<keyof Descriptions & string> {
  type Word = keyof Descriptions & string;
  const values = Object.fromEntries(Object.keys(descriptions).map((word) => [word, word])) as { [W in Word]: W };
  return { name, description, values, descriptions: descriptions as { readonly [W in Word]: string } };
}

/** The words of a vocabulary in their declared order. */
export function wordsOf<Word extends string>(source: Vocabulary<Word>): readonly Word[] {
  return Object.keys(source.values) as Word[];
}

/** Whether a value is one of the words of a vocabulary. */
export function isWordOf<Word extends string>(source: Vocabulary<Word>, value: unknown): value is Word {
  return typeof value === 'string' && Object.hasOwn(source.values, value);
}

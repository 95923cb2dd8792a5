import { createContext, useContext } from 'react';
import type { MessageKey, en } from './messages/en';
import type { Labels } from './messages/labels-en';

/** The languages that there is a catalogue of, by the name that their readers give them. */
export const LANGUAGES = { en: 'English', de: 'Deutsch', es: 'Español' } as const;
export type Language = keyof typeof LANGUAGES;

export type Catalogue = Record<keyof typeof en, string> & { labels: Record<keyof Labels, string>; faults: Readonly<Record<string, string>> };

const CATALOGUES: Readonly<Record<Language, () => Promise<Catalogue>>> = {
  en: async () => (await import('./messages/index-en')).catalogue,
  de: async () => (await import('./messages/index-de')).catalogue,
  es: async () => (await import('./messages/index-es')).catalogue,
};

export function loadCatalogue(language: Language): Promise<Catalogue> {
  return CATALOGUES[language]();
}

export function isLanguage(tag: string): tag is Language {
  return Object.hasOwn(LANGUAGES, tag);
}

/** The language to begin in: `?locale=`, else the first of the browser's that there is a catalogue of, else English. */
export function firstLanguage(query: URLSearchParams, preferred: readonly string[]): Language {
  const tags = [query.get('locale') ?? '', ...preferred].map((tag) => tag.split('-')[0]!.toLowerCase());
  return tags.find(isLanguage) ?? 'en';
}

/** How texts are said to this person. */
export interface Texts {
  language: Language;
  /** A text, with its {placeholders} filled in. */
  t(key: MessageKey, values?: Readonly<Record<string, string | number>>): string;
  /** As `t`, for a key that is put together; undefined when the catalogue has none. */
  find(key: string): string | undefined;
  /** The name of a field or of one of its values, or its hint; undefined when there is none. */
  label(key: string): string | undefined;
  /** A refusal of the server about a field: in its own words in English, by its code elsewhere. */
  fault(path: string, code: string, message: string): string;
}

export function textsOf(language: Language, catalogue: Catalogue): Texts {
  const find = (key: string): string | undefined => (Object.hasOwn(catalogue, key) ? (catalogue[key as MessageKey] as string) : undefined);
  return {
    language,
    find,
    t: (key, values) => fill(catalogue[key], values),
    label: (key) => (Object.hasOwn(catalogue.labels, key) ? catalogue.labels[key as keyof Labels] : undefined),
    fault: (path, code, message) => find(`fault.${code}.${path}`) ?? catalogue.faults[code] ?? message,
  };
}

function fill(text: string, values: Readonly<Record<string, string | number>> = {}): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export const TextsContext = createContext<Texts | null>(null);

export function useTexts(): Texts {
  const texts = useContext(TextsContext);
  if (!texts) throw new Error('No texts above this component');
  return texts;
}

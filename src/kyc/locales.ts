import { LRUCache } from 'lru-cache';

const LANGUAGES = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' });
const REGIONS = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });

/** Tags that were asked of Intl lately: people speak few languages, and Intl takes its time. */
const known = new LRUCache<string, { canonical: string | undefined }>({ max: 500 });

/** A BCP 47 tag in canonical form, if Intl knows its language and, where it names one, its region; else undefined. */
export function canonicalLocale(tag: string): string | undefined {
  const found = known.get(tag) ?? { canonical: asked(tag) };
  known.set(tag, found);
  return found.canonical;
}

function asked(tag: string): string | undefined {
  try {
    const [canonical] = Intl.getCanonicalLocales(tag);
    if (canonical === undefined) return undefined;
    const { language, region } = new Intl.Locale(canonical);
    // `und` has a name, "Unknown language", but nobody speaks it.
    if (language === 'und' || LANGUAGES.of(language) === undefined) return undefined;
    if (region !== undefined && (region === 'ZZ' || REGIONS.of(region) === undefined)) return undefined;
    return canonical;
  } catch {
    // RangeError is how Intl says that a text is no tag.
    return undefined;
  }
}

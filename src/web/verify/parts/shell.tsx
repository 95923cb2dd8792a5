import type { ReactNode } from 'react';
import { LANGUAGES, useTexts, type Language } from '../i18n';
import type { Theme } from '../theme';

/** What stands around every screen: whose page this is, and the choice of the language. */
export function Shell({ theme, language, onLanguage, children }: { theme: Theme; language: Language; onLanguage(language: Language): void; children: ReactNode }) {
  const { t } = useTexts();
  return (
    <div className="shell">
      <header className="top">
        {theme.isSandbox && <p className="sandbox">{t('sandbox')}</p>}
        <div className="brand">
        {theme.logo ? <img className="logo" src={theme.logo} alt={theme.name ?? ''} /> : <span className="name">{theme.name ?? t('title')}</span>}
        <label className="language">
          <span className="hidden">{t('language')}</span>
          <select value={language} onChange={(event) => onLanguage(event.target.value as Language)}>
            {Object.entries(LANGUAGES).map(([tag, name]) => (
              <option key={tag} value={tag} lang={tag}>{name}</option>
            ))}
          </select>
        </label>
        </div>
      </header>
      <main className="card">{children}</main>
      <footer className="foot">
        <Lock />
        <span>{t('encrypted')}</span>
      </footer>
    </div>
  );
}

function Lock() {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M6 9V6.5a4 4 0 0 1 8 0V9m-9 0h10v8H5z" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinejoin="round" />
    </svg>
  );
}

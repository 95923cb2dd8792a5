import { useEffect, useState } from 'react';
import { I18nProvider } from 'react-aria-components';
import { Journey } from './journey-view';
import { firstLanguage, loadCatalogue, TextsContext, textsOf, type Language, type Texts } from './i18n';
import { Shell } from './parts/shell';
import { LinkProblem } from './screens/link-problem';
import { themeOf, type Theme } from './theme';
import { useVisit } from './visit';

/** The whole page: language and theme around the visit that the link opens. */
export function App() {
  const [language, setLanguage] = useState<Language>(() => firstLanguage(new URLSearchParams(location.search), navigator.languages));
  const [texts, setTexts] = useState<Texts | null>(null);
  const visit = useVisit();
  useEffect(() => {
    let current = true;
    void loadCatalogue(language).then((catalogue) => {
      if (current) setTexts(textsOf(language, catalogue));
    });
    return () => {
      current = false;
    };
  }, [language]);
  useEffect(() => {
    if (!texts) return;
    document.documentElement.lang = texts.language;
    document.title = texts.t('title');
  }, [texts]);
  if (!texts) return null;
  const theme: Theme = themeOf(visit.state === 'open' ? visit.page : null);
  return (
    <I18nProvider locale={texts.language}>
      <TextsContext value={texts}>
        <Shell theme={theme} language={language} onLanguage={setLanguage}>
          {visit.state === 'opening' && <p className="muted" role="status">{texts.t('loading')}</p>}
          {visit.state === 'refused' && <LinkProblem problem={visit.problem} />}
          {visit.state === 'open' && <Journey visit={visit} />}
        </Shell>
      </TextsContext>
    </I18nProvider>
  );
}

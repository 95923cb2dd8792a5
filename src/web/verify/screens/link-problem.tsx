import { Sign, Title } from '../parts/basics';
import { useTexts } from '../i18n';
import type { Problem } from '../visit';

/** Why the link opens nothing, and how to come by a new one. */
export function LinkProblem({ problem }: { problem: Problem }) {
  const { t } = useTexts();
  const leadsToNewLink = problem === 'invalid' || problem === 'ended' || problem === 'missing';
  return (
    <section className="outcome">
      <Sign kind={problem === 'unreachable' ? 'wait' : 'bad'} />
      <Title hint={t(`link.${problem}.text`)}>{t(`link.${problem}.title`)}</Title>
      {leadsToNewLink && <p>{t('link.new')}</p>}
    </section>
  );
}

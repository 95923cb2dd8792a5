import { phaseOf, phasesOf, reasonsOf, type ScreenName } from '../journey';
import { useTexts } from '../i18n';
import { Phases, PrimaryButton, Sign, Title } from '../parts/basics';
import type { OpenVisit } from '../visit';

/** What goes on while the person has nothing to do: what happens, how long it takes and what comes next. */
export function Waiting({ visit }: { visit: OpenVisit }) {
  const { t, find } = useTexts();
  const status = visit.customer.identity?.status ?? 'INITIATING';
  const isReview = status === 'IN_REVIEW';
  const next = isReview || status === 'SIGNATURE_SUBMITTED' ? 'review' : status === 'RECORDS_UPLOADED' ? 'documents' : 'details';
  return (
    <section className="outcome" aria-live="polite">
      <Phases phases={phasesOf(visit.customer, 'waiting')} current="check" />
      <Sign kind="wait" />
      <Title key={String(isReview)} hint={find(`waiting.${status}`)}>{t(isReview ? 'waiting.IN_REVIEW.title' : 'waiting.title')}</Title>
      <p>{isReview ? t(visit.page.environment === 'SANDBOX' ? 'waiting.review.SANDBOX' : 'waiting.review.LIVE') : t('waiting.long')}</p>
      <div className="next">
        <h2>{t('waiting.next')}</h2>
        <p>{t(`waiting.next.${next}`)}</p>
      </div>
    </section>
  );
}

type Ending = Extract<ScreenName, 'verified' | 'rejected' | 'expired' | 'deactivated' | 'blocked'>;

/** Where the verification has come to an end, and what can be done about it. */
export function Outcome({ visit, screen, onRestart }: { visit: OpenVisit; screen: Ending; onRestart(): void }) {
  const { t, language } = useTexts();
  const { customer, page } = visit;
  const organization = page.organizationName;
  const isVerified = screen === 'verified';
  const mayRestart = (screen === 'rejected' || screen === 'expired') && customer.allowedActions.some((action) => action === 'SUBMIT_IDENTITY' || action === 'PATCH_CUSTOMER');
  const name = isVerified ? 'done' : screen;
  return (
    <section className="outcome">
      <Phases phases={phasesOf(customer, screen)} current={phaseOf(screen)} />
      <Sign kind={isVerified ? 'good' : 'bad'} />
      <Title hint={t(`${name}.text`, { organization })}>{t(`${name}.title`)}</Title>
      {isVerified && customer.verifiedAt && (
        <p className="muted">{t('done.since', { date: new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short' }).format(new Date(customer.verifiedAt)) })}</p>
      )}
      {!isVerified && reasonsOf(customer).map((reason) => <p key={reason}>{t('rejected.reason', { reason })}</p>)}
      {screen === 'rejected' && <p>{t('rejected.next', { organization })}</p>}
      {mayRestart && <PrimaryButton onPress={onRestart}>{t('rejected.again')}</PrimaryButton>}
    </section>
  );
}

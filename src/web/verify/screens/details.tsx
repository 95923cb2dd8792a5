import { useState } from 'react';
import { Button } from 'react-aria-components';
import { dropDraft } from '../draft';
import { fieldOf } from '../fields';
import { useForm, type Form } from '../form';
import { failureBy, run, type Failure } from '../gateway';
import { useTexts, type Texts } from '../i18n';
import { phasesOf, reasonsOf } from '../journey';
import { PATCH_CUSTOMER, PATCH_IDENTITY, SUBMIT_IDENTITY } from '../operations';
import { FailureNote, Note, Phases, PrimaryButton, SecondaryButton, Title } from '../parts/basics';
import { FormField } from '../parts/field';
import { useSteps } from '../steps';
import type { OpenVisit } from '../visit';

/** The person's details, page by page, then all of them at a glance, then sent. */
export function Details({ visit }: { visit: OpenVisit }) {
  const form = useForm(visit);
  const { step, go, back } = useSteps('details');
  const [failure, setFailure] = useState<Failure | null>(null);
  const [isPending, setPending] = useState(false);
  const pages = form.pages;
  const at = Math.min(step, pages.length);
  const page = pages[at];

  const next = async (): Promise<void> => {
    setPending(true);
    const { passes, failure: problem } = await form.check(page!.fields);
    setPending(false);
    setFailure(problem);
    if (passes) go(at + 1);
    else requestAnimationFrame(() => document.querySelector<HTMLElement>('[aria-invalid=true], [data-invalid] input')?.focus());
  };
  const send = async (): Promise<void> => {
    setPending(true);
    try {
      await submit(visit, form.input());
      dropDraft(visit.customer.id);
      await visit.refresh();
    } catch (error) {
      const refusal = failureBy(error);
      setFailure(refusal);
      form.refuse(refusal);
      const faulty = pages.findIndex(({ fields }) => fields.some((path) => refusal.fields.some((fault) => fault.path === path)));
      if (faulty >= 0) go(faulty);
      if (refusal.code !== 'network') await visit.refresh().catch(() => undefined);
    } finally {
      setPending(false);
    }
  };
  return (
    <section>
      <Phases phases={phasesOf(visit.customer, 'details')} current="details" page={at} pages={pages.length + 1} />
      <FailureNote failure={failure} />
      {page
        ? <FieldPage key={page.group} form={form} fields={page.fields} title={page.group} visit={visit} isPending={isPending} onNext={() => void next()} {...(at > 0 ? { onBack: back } : {})} />
        : <Review form={form} isPending={isPending} onSend={() => void send()} onBack={back} onEdit={go} />}
    </section>
  );
}

function FieldPage({ form, fields, title, visit, isPending, onNext, onBack }: {
  form: Form; fields: readonly string[]; title: Form['pages'][number]['group']; visit: OpenVisit; isPending: boolean; onNext(): void; onBack?: () => void;
}) {
  const { t } = useTexts();
  const reasons = reasonsOf(visit.customer);
  const isCorrection = visit.customer.requirements.some(({ code, kind }) => kind === 'FIELD' && code === 'REENTER') || reasons.length > 0;
  const again = new Set(visit.customer.requirements.filter(({ code }) => code === 'REENTER').map(({ field }) => field));
  return (
    <form noValidate onSubmit={(event) => { event.preventDefault(); onNext(); }}>
      <Title hint={t(`group.${title}.hint`)}>{t(`group.${title}`)}</Title>
      {isCorrection && <Note tone="warn" title={t('correct.title')}>{reasons.map((reason) => <p key={reason}>{reason}</p>)}</Note>}
      {fields.map((path) => (
        <div key={path}>
          {again.has(path) && <p className="small reenter">{t('correct.again')}</p>}
          <FormField path={path} value={form.answers[path]} fault={form.faults[path] ?? null} isRequired={form.isRequired(path)} onChange={(value) => form.answer(path, value)} onLeave={() => form.leave(path)} />
        </div>
      ))}
      <div className="buttons">
        <PrimaryButton type="submit" isPending={isPending}>{t('continue')}</PrimaryButton>
        {onBack && <SecondaryButton onPress={onBack}>{t('back')}</SecondaryButton>}
      </div>
    </form>
  );
}

function Review({ form, isPending, onSend, onBack, onEdit }: { form: Form; isPending: boolean; onSend(): void; onBack(): void; onEdit(step: number): void }) {
  const texts = useTexts();
  const { t, label } = texts;
  return (
    <>
      <Title hint={t('review.hint')}>{t('review.title')}</Title>
      {form.pages.map(({ group, fields }, index) => (
        <section key={group} className="answers">
          <header>
            <h2>{t(`group.${group}`)}</h2>
            <Button className="link" onPress={() => onEdit(index)} aria-label={`${t('edit')}: ${t(`group.${group}`)}`}>{t('edit')}</Button>
          </header>
          <dl>
            {fields.map((path) => {
              const value = shownAnswer(path, form.answers[path], texts);
              return value === null && !form.isRequired(path) && !fieldOf(path).isSecret ? null : (
                <div key={path}>
                  <dt>{label(path) ?? path}</dt>
                  <dd>{value ?? t(form.isRequired(path) ? 'required' : 'review.kept')}</dd>
                </div>
              );
            })}
          </dl>
        </section>
      ))}
      <div className="buttons">
        <PrimaryButton isPending={isPending} onPress={onSend}>{t('review.submit')}</PrimaryButton>
        <SecondaryButton onPress={onBack}>{t('back')}</SecondaryButton>
      </div>
    </>
  );
}

/** An answer in words; null when there is none. */
function shownAnswer(path: string, answer: string | boolean | undefined, { t, label, language }: Texts): string | null {
  if (typeof answer === 'boolean') return t(answer ? 'yes' : 'no');
  if (answer === undefined || answer.trim() === '') return null;
  const { kind, isSecret } = fieldOf(path);
  if (isSecret) return `•••• ${answer.trim().slice(-4)}`;
  if (kind === 'country') return new Intl.DisplayNames([language], { type: 'region' }).of(answer) ?? answer;
  if (kind === 'date') {
    const [year, month, day] = answer.split('-').map(Number);
    return new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' }).format(Date.UTC(year ?? 0, (month ?? 1) - 1, day ?? 1));
  }
  return typeof kind === 'string' ? answer : (label(`${path.split('.').at(-1)}.${answer}`) ?? answer);
}

/** Sends the answers by the mutation that the state allows: into the open attempt, over the last one's data, or as the first. */
async function submit({ gateway, customer }: OpenVisit, kycData: ReturnType<Form['input']>): Promise<void> {
  const { allowedActions, identity } = customer;
  if (identity && allowedActions.includes('PATCH_IDENTITY')) await run(gateway, PATCH_IDENTITY, { input: { identityId: identity.id, kycData } });
  else if (identity && allowedActions.includes('PATCH_CUSTOMER')) await run(gateway, PATCH_CUSTOMER, { input: { customerId: customer.id, kycData } });
  else await run(gateway, SUBMIT_IDENTITY, { input: { customerId: customer.id, kycData } });
}

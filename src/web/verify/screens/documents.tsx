import { useState } from 'react';
import { Radio, RadioGroup } from 'react-aria-components';
import { failureBy, RefusedError, renewing, type Failure } from '../gateway';
import { useTexts } from '../i18n';
import { phasesOf, reasonsOf } from '../journey';
import { SUBMIT_DOCUMENT } from '../operations';
import { classesOf, filesOf, isResidency, isTwoSided, paperworkOf, type FileInput, type IdClass, type Paperwork } from '../paperwork';
import { FailureNote, Note, Phases, PrimaryButton, SecondaryButton, Title, UploadProgress } from '../parts/basics';
import { CountryChoice } from '../parts/field';
import { FileSlot } from '../parts/file-slot';
import { useSteps } from '../steps';
import { upload } from '../upload';
import type { OpenVisit } from '../visit';
import { Selfie } from './selfie';

type Files = Readonly<Partial<Record<FileInput, File>>>;

/** Documents: which one, its pictures, a selfie where one is asked for, and all of it sent at once. */
export function Documents({ visit }: { visit: OpenVisit }) {
  const { kycData, requirements } = visit.customer;
  const paperwork = paperworkOf(requirements);
  const [country, setCountry] = useState<string | null>(kycData?.nationality ?? kycData?.address?.country ?? null);
  const [idClass, setIdClass] = useState<IdClass | null>(null);
  const [files, setFiles] = useState<Files>({});
  const [missing, setMissing] = useState<ReadonlySet<string>>(new Set());
  const { step, go, back } = useSteps('documents');
  const sending = useSending(visit, (paths) => {
    setMissing(new Set(paths));
    go(paths.includes('selfie') ? 2 : 1);
  });
  const inputs = idClass === null ? [] : filesOf(paperwork, idClass, missing);
  const wantsSelfie = paperwork.isSelfieWanted || missing.has('selfie');
  const pages = wantsSelfie ? 3 : 2;
  const at = idClass === null ? 0 : Math.min(step, pages - 1);
  const set = (input: FileInput, file: File | null): void => setFiles(({ [input]: _replaced, ...others }) => (file ? { ...others, [input]: file } : others));
  const send = (all: Files): void => {
    const wanted: FileInput[] = [...inputs, ...(wantsSelfie ? (['selfie'] as const) : [])];
    void sending.send({ selectedIdClass: idClass!, issuingCountry: country, ...Object.fromEntries(wanted.map((input) => [input, all[input]])) });
  };
  return (
    <section>
      <Phases phases={phasesOf(visit.customer, 'documents')} current="documents" page={at} pages={pages} />
      {at === 0 && <ChooseDocument visit={visit} paperwork={paperwork} country={country} onCountry={setCountry} onChosen={(chosen) => { setIdClass(chosen); go(1); }} chosen={idClass} />}
      {at === 1 && (
        <Pictures
          visit={visit} idClass={idClass!} inputs={inputs} files={files} onFile={set} sending={sending} isLast={!wantsSelfie} onBack={back}
          onNext={() => (wantsSelfie ? go(2) : send(files))}
        />
      )}
      {at === 2 && <Selfie visit={visit} sending={sending} onBack={back} onTaken={(selfie) => { set('selfie', selfie); send({ ...files, selfie }); }} />}
    </section>
  );
}

export interface Sending {
  /** From 0 to 1; null while nothing is sent. */
  share: number | null;
  failure: Failure | null;
  send(input: Omit<Parameters<typeof inputFor>[1], never>): Promise<void>;
}

function inputFor(visit: OpenVisit, input: { selectedIdClass: IdClass; issuingCountry: string | null }) {
  return { input: { identityId: visit.customer.identity!.id, ...input } };
}

/** Sends a submission; what was cut off is still here, and can be sent again. */
function useSending(visit: OpenVisit, onMissing: (paths: string[]) => void): Sending {
  const [share, setShare] = useState<number | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const attempt = (input: Parameters<typeof inputFor>[1]) => upload(visit.session().token, SUBMIT_DOCUMENT, inputFor(visit, input), setShare);
  const send: Sending['send'] = async (input) => {
    setShare(0);
    setFailure(null);
    try {
      await renewing(visit.gateway, () => attempt(input));
      await visit.refresh();
    } catch (error) {
      const refusal = failureBy(error);
      setFailure(refusal);
      const paths = refusal.fields.filter(({ code }) => code === 'required').map(({ path }) => path);
      if (error instanceof RefusedError && paths.length > 0) onMissing(paths);
      // Whatever has become of it, the gateway knows: a lost answer may have been a yes.
      await visit.refresh().catch(() => undefined);
    } finally {
      setShare(null);
    }
  };
  return { share, failure, send };
}

function ChooseDocument({ visit, paperwork, country, chosen, onCountry, onChosen }: {
  visit: OpenVisit; paperwork: Paperwork; country: string | null; chosen: IdClass | null; onCountry(code: string): void; onChosen(idClass: IdClass): void;
}) {
  const { t, language } = useTexts();
  const classes = classesOf(paperwork.classes, country);
  const [selected, setSelected] = useState<IdClass | null>(chosen);
  const current = selected !== null && classes.includes(selected) ? selected : classes[0]!;
  const isOnlyResidency = classes.every(isResidency);
  const attempts = visit.customer.identity?.documentAttemptsRemaining ?? 0;
  return (
    <>
      <Reasons visit={visit} />
      <Title hint={t('documents.hint')}>{t(isOnlyResidency ? 'documents.title.address' : 'documents.title')}</Title>
      {!isOnlyResidency && <CountryChoice label={t('documents.country')} value={country} language={language} onChange={onCountry} />}
      <RadioGroup className="field choices" value={current} onChange={(idClass) => setSelected(idClass as IdClass)} aria-label={t('documents.class')}>
        <div className="options">
          {classes.map((idClass, index) => (
            <Radio key={idClass} value={idClass} className="option document">
              <span>{t(`id.${idClass}`)}</span>
              <span className="small muted">{t(isTwoSided(idClass) ? 'id.sides.two' : 'id.sides.one')}</span>
              {index === 0 && classes.length > 1 && <span className="badge">{t('documents.recommended')}</span>}
            </Radio>
          ))}
        </div>
      </RadioGroup>
      <p className="small muted attempts">{attempts === 1 ? t('documents.attemptsOne') : t('documents.attempts', { attempts })}</p>
      <div className="buttons"><PrimaryButton onPress={() => onChosen(current)}>{t('continue')}</PrimaryButton></div>
    </>
  );
}

/** Why what was sent before did not do. */
function Reasons({ visit }: { visit: OpenVisit }) {
  const { t } = useTexts();
  const reasons = reasonsOf(visit.customer);
  if (visit.customer.identity?.status !== 'INCOMPLETE_VERIFICATIONS') return null;
  return (
    <Note tone="warn" title={t('documents.again.title')}>
      {reasons.length > 0 && <p>{t('documents.again')}</p>}
      {reasons.map((reason) => <p key={reason}>{reason}</p>)}
    </Note>
  );
}

function Pictures({ visit, idClass, inputs, files, onFile, sending, isLast, onNext, onBack }: {
  visit: OpenVisit; idClass: IdClass; inputs: readonly Exclude<FileInput, 'selfie'>[]; files: Files; onFile(input: FileInput, file: File | null): void;
  sending: Sending; isLast: boolean; onNext(): void; onBack(): void;
}) {
  const { t } = useTexts();
  const isReady = inputs.every((input) => files[input]);
  return (
    <>
      <Title hint={t('camera.hint')}>{t(`id.${idClass}`)}</Title>
      {inputs.map((input) => <FileSlot key={input} visit={visit} input={input} idClass={idClass} file={files[input] ?? null} onFile={(file) => onFile(input, file)} />)}
      <SendingState sending={sending} />
      <div className="buttons">
        <PrimaryButton isDisabled={!isReady} isPending={sending.share !== null} onPress={onNext}>{t(isLast ? 'documents.submit' : 'continue')}</PrimaryButton>
        <SecondaryButton onPress={onBack}>{t('back')}</SecondaryButton>
      </div>
    </>
  );
}

/** How far the submission has come, or what became of it. */
export function SendingState({ sending: { share, failure } }: { sending: Sending }) {
  const { t, fault } = useTexts();
  if (share !== null) return <UploadProgress share={share} label={share < 1 ? t('documents.uploading', { percent: Math.round(share * 100) }) : t('documents.received')} />;
  if (failure?.code === 'network') return <Note tone="bad">{t('documents.interrupted')}</Note>;
  return (
    <>
      <FailureNote failure={failure} />
      {failure?.fields.map(({ path, code, message }) => <p key={path} className="small bad-text">{fault(path, code, message)}</p>)}
    </>
  );
}

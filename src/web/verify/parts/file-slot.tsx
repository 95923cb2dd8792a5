import { useEffect, useMemo, useState } from 'react';
import { Button, FileTrigger } from 'react-aria-components';
import { failureBy, renewing, type Failure } from '../gateway';
import { useTexts } from '../i18n';
import { INSPECT_FILE } from '../operations';
import { FILE_TYPES, type FileInput, type IdClass } from '../paperwork';
import { upload } from '../upload';
import type { OpenVisit } from '../visit';
import { FailureNote, Note, UploadProgress } from './basics';
import { DocumentCamera } from './camera';

/** Bytes: what the gateway takes of one file. Larger ones need not travel to be refused. */
const LARGEST_FILE = 15 * 1_048_576;
const ACCEPTED = ['image/jpeg', 'image/png', 'application/pdf'];

const SLOT_NAMES = { frontPhoto: 'file.FRONT_PHOTO', backPhoto: 'file.BACK_PHOTO', proofOfResidency: 'file.PROOF_OF_RESIDENCY' } as const;

interface Verdict {
  warnings: readonly { code: string; message: string }[];
}

/** One picture: taken or uploaded, judged by the gateway before it costs anything, and replaced as often as one likes. */
export function FileSlot({ visit, input, idClass, file, onFile }: { visit: OpenVisit; input: Exclude<FileInput, 'selfie'>; idClass: IdClass; file: File | null; onFile(file: File | null): void }) {
  const { t, find } = useTexts();
  const [isCameraOpen, setCameraOpen] = useState(false);
  const inspection = useInspection(visit, input, onFile);
  const name = find(`file.${FILE_TYPES[input]}.${idClass}`) ?? t(SLOT_NAMES[input]);
  const pick = (list: FileList | null): void => {
    const [picked] = list ?? [];
    if (picked) void inspection.inspect(picked);
  };
  return (
    <section className="slot" aria-label={name}>
      <h2>{name}</h2>
      {file && <Preview file={file} />}
      {inspection.share !== null && <UploadProgress share={inspection.share} label={inspection.share < 1 ? t('documents.uploading', { percent: Math.round(inspection.share * 100) }) : t('documents.checking')} />}
      <Refused failure={inspection.failure} />
      {file && inspection.verdict && <VerdictNote verdict={inspection.verdict} />}
      <div className="slot-buttons">
        <Button className="secondary" onPress={() => setCameraOpen(true)}>{t(file ? 'file.again' : 'file.camera')}</Button>
        <FileTrigger acceptedFileTypes={ACCEPTED} onSelect={pick}>
          <Button className="secondary">{t(file ? 'file.replace' : 'file.upload')}</Button>
        </FileTrigger>
      </div>
      {!file && <p className="small muted">{t('file.kinds')}</p>}
      {isCameraOpen && <DocumentCamera what={name} onClose={() => setCameraOpen(false)} onTaken={(taken) => { setCameraOpen(false); void inspection.inspect(taken); }} />}
    </section>
  );
}

/** Shows a picture to the gateway, which judges it and lets it go. */
export function useInspection(visit: OpenVisit, input: FileInput, onFile: (file: File | null) => void) {
  const { t } = useTexts();
  const [share, setShare] = useState<number | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const inspect = async (file: File): Promise<void> => {
    onFile(null);
    setVerdict(null);
    setFailure(null);
    if (file.size > LARGEST_FILE) return setFailure({ code: 'PAYLOAD_TOO_LARGE', message: '', retryAfter: null, fields: [{ path: 'file', code: 'too_large', message: t('file.tooLarge') }] });
    setShare(0);
    const show = () => upload(visit.session().token, INSPECT_FILE, { input: { documentType: FILE_TYPES[input], file } }, setShare);
    try {
      const { inspectFile } = await renewing(visit.gateway, show);
      setVerdict(inspectFile);
      onFile(file);
    } catch (error) {
      setFailure(failureBy(error));
    } finally {
      setShare(null);
    }
  };
  return { share, failure, verdict, inspect };
}

export function Refused({ failure }: { failure: Failure | null }) {
  const { t, fault } = useTexts();
  if (!failure) return null;
  if (failure.code === 'network') return <Note tone="bad">{t('documents.interrupted')}</Note>;
  if (failure.fields.length === 0) return <FailureNote failure={failure} />;
  return <Note tone="bad">{failure.fields.map(({ path, code, message }) => fault(path, code, message)).join(' ')}</Note>;
}

/** What a reviewer may object to, said while a better picture costs nothing. */
export function VerdictNote({ verdict: { warnings } }: { verdict: Verdict }) {
  const { t, find } = useTexts();
  if (warnings.length === 0) return <Note tone="good">{t('documents.good')}</Note>;
  return (
    <Note tone="warn" title={t('documents.warnings')}>
      <ul>{warnings.map(({ code, message }) => <li key={code}>{find(`warning.${code}`) ?? message}</li>)}</ul>
      <p className="small">{t('documents.warningsAnyway')}</p>
    </Note>
  );
}

export function Preview({ file }: { file: File }) {
  const { t } = useTexts();
  const url = useMemo(() => URL.createObjectURL(file), [file]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  if (file.type === 'application/pdf') return <p className="pdf">{t('file.pdf')}: {file.name}</p>;
  return <img className="preview" src={url} alt={t('file.preview', { name: file.name })} />;
}

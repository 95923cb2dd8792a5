import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { motionMeter, useCamera, type Camera } from '../camera';
import { useTexts } from '../i18n';
import type { MessageKey } from '../messages/en';
import { Note, PrimaryButton, SecondaryButton, Title } from '../parts/basics';
import { Preview, Refused, useInspection, VerdictNote } from '../parts/file-slot';
import { linkOf } from '../session';
import type { OpenVisit } from '../visit';
import { SendingState, type Sending } from './documents';

/** Needed only where there is no camera. */
const QrCode = lazy(() => import('../parts/qr-code'));

/** What the person is asked to do before the picture is taken: another movement each time, so that no old picture does. */
const MOVEMENTS: readonly MessageKey[] = ['selfie.left', 'selfie.right', 'selfie.nod'];
/** Milliseconds between two looks at the picture. */
const LOOK = 150;
/** How much of the picture changes when a head is turned, and how many looks in a row it takes: a hand that shakes changes less. */
const MOVED = 0.012;
const MOVED_LOOKS = 4;
/** Milliseconds to look straight into the camera before the picture is taken. */
const STRAIGHT = 1_500;

/** The selfie beside the photo id: from the camera on the front, after a short challenge. */
export function Selfie({ visit, sending, onTaken, onBack }: { visit: OpenVisit; sending: Sending; onTaken(file: File): void; onBack(): void }) {
  const { t } = useTexts();
  const [isStarted, setStarted] = useState(false);
  const [file, setFile] = useState<File | null>(null);
  const inspection = useInspection(visit, 'selfie', setFile);
  const isJudging = inspection.share !== null;
  return (
    <>
      <Title hint={t('selfie.hint')}>{t('selfie.title')}</Title>
      {isStarted && !file && !isJudging && <Challenge visit={visit} onTaken={(taken) => { setStarted(false); void inspection.inspect(taken); }} />}
      {isJudging && <p role="status">{t('documents.checking')}</p>}
      <Refused failure={inspection.failure} />
      {file && <div className="selfie-preview"><Preview file={file} /></div>}
      {file && inspection.verdict && <VerdictNote verdict={inspection.verdict} />}
      <SendingState sending={sending} />
      <div className="buttons">
        {file && <PrimaryButton isPending={sending.share !== null} onPress={() => onTaken(file)}>{t('documents.submit')}</PrimaryButton>}
        {file && <SecondaryButton onPress={() => { setFile(null); setStarted(true); }}>{t('file.again')}</SecondaryButton>}
        {!file && !isStarted && !isJudging && <PrimaryButton onPress={() => setStarted(true)}>{t('selfie.start')}</PrimaryButton>}
        <SecondaryButton onPress={onBack}>{t('back')}</SecondaryButton>
      </div>
    </>
  );
}

function Challenge({ visit, onTaken }: { visit: OpenVisit; onTaken(file: File): void }) {
  const { t } = useTexts();
  const camera = useCamera('user');
  const [movement] = useState(() => MOVEMENTS[Math.floor(Math.random() * MOVEMENTS.length)]!);
  const [hasMoved, setMoved] = useState(false);
  useMovement(camera, hasMoved, () => setMoved(true));
  const latest = useRef(onTaken);
  latest.current = onTaken;
  useEffect(() => {
    if (!hasMoved) return undefined;
    const timer = setTimeout(() => void camera.take('selfie.jpg').then((file) => file && latest.current(file)), STRAIGHT);
    return () => clearTimeout(timer);
  }, [hasMoved, camera]);
  if (camera.state === 'denied' || camera.state === 'absent') return <NoCamera camera={camera} link={linkOf(visit.session())} />;
  return (
    <div className="challenge">
      <p className="prompt" role="status">{camera.state === 'starting' ? t('camera.starting') : t(hasMoved ? 'selfie.look' : movement)}</p>
      <div className="viewfinder face">
        <video ref={camera.video} muted playsInline />
      </div>
      {camera.state === 'running' && !hasMoved && <SecondaryButton onPress={() => setMoved(true)}>{t('selfie.next')}</SecondaryButton>}
    </div>
  );
}

/** Calls once the person has moved; who cannot move says so by the button. */
function useMovement({ video, state }: Camera, isDone: boolean, onMoved: () => void): void {
  const latest = useRef(onMoved);
  latest.current = onMoved;
  useEffect(() => {
    if (state !== 'running' || isDone) return undefined;
    const motion = motionMeter(video);
    let looks = 0;
    const timer = setInterval(() => {
      const change = motion();
      looks = change !== null && change > MOVED ? looks + 1 : 0;
      if (looks >= MOVED_LOOKS) latest.current();
    }, LOOK);
    return () => clearInterval(timer);
  }, [video, state, isDone]);
}

/** How to allow the camera, and the way to go on with a phone's. */
function NoCamera({ camera, link }: { camera: Camera; link: string }) {
  const { t } = useTexts();
  return (
    <>
      <Note tone="warn">{t(camera.state === 'denied' ? 'camera.denied' : 'camera.absent')}</Note>
      <div className="buttons"><PrimaryButton onPress={camera.retry}>{t('tryAgain')}</PrimaryButton></div>
      <section className="phone">
        <h2>{t('selfie.phone')}</h2>
        <p>{t('selfie.phone.hint')}</p>
        <Suspense>
          <QrCode text={link} label={t('selfie.qr')} />
        </Suspense>
      </section>
    </>
  );
}

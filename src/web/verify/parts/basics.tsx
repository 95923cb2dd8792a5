import { useEffect, useRef, type ReactNode } from 'react';
import { Button, ProgressBar } from 'react-aria-components';
import type { Failure } from '../gateway';
import { useTexts } from '../i18n';
import type { Phase } from '../journey';

/** The heading of a screen. It takes the focus when the screen appears, so that it is read out and the keyboard goes on from there. */
export function Title({ children, hint }: { children: ReactNode; hint?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }, []);
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>{children}</h1>
      {hint && <p className="hint">{hint}</p>}
    </>
  );
}

/** Where the person stands among the phases, and among the pages of the present one. */
export function Phases({ phases, current, page, pages }: { phases: readonly Phase[]; current: Phase; page?: number; pages?: number }) {
  const { t } = useTexts();
  const at = phases.indexOf(current);
  const share = pages && page !== undefined ? page / pages : 0;
  return (
    <div className="phases">
      <ol>
        {phases.map((phase, index) => (
          <li key={phase} className={index < at ? 'past' : index === at ? 'now' : 'ahead'} aria-current={index === at ? 'step' : undefined}>
            <Bar share={index < at || current === 'done' ? 1 : index === at ? share : 0} />
            <span>{t(`phase.${phase}`)}</span>
          </li>
        ))}
      </ol>
      {pages !== undefined && page !== undefined && pages > 1 && <p className="small muted">{t('progressStep', { step: page + 1, steps: pages })}</p>}
    </div>
  );
}

/** A share of a line. Drawn, since an inline style is what the content security policy refuses. */
function Bar({ share }: { share: number }) {
  return (
    <svg className="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect width="100" height="4" className="track" />
      <rect width={Math.max(share * 100, 0)} height="4" className="fill" />
    </svg>
  );
}

export function UploadProgress({ share, label }: { share: number; label: string }) {
  return (
    <ProgressBar value={share * 100} aria-label={label} className="upload-progress">
      <span className="small" role="status">{label}</span>
      <Bar share={share} />
    </ProgressBar>
  );
}

export function PrimaryButton({ children, onPress, isPending = false, isDisabled = false, type = 'button' }: { children: ReactNode; onPress?: () => void; isPending?: boolean; isDisabled?: boolean; type?: 'button' | 'submit' }) {
  const { t } = useTexts();
  return (
    <Button className="primary" type={type} isPending={isPending} isDisabled={isDisabled} {...(onPress ? { onPress } : {})}>
      {isPending ? t('sending') : children}
    </Button>
  );
}

export function SecondaryButton({ children, onPress }: { children: ReactNode; onPress: () => void }) {
  return <Button className="secondary" onPress={onPress}>{children}</Button>;
}

/** What was refused or failed, in words that say what to do. */
export function FailureNote({ failure }: { failure: Failure | null }) {
  const { t } = useTexts();
  if (!failure) return null;
  const isRefusal = failure.code === 'BAD_USER_INPUT' || failure.code === 'UNSUPPORTED_MEDIA_TYPE' || failure.code === 'PAYLOAD_TOO_LARGE';
  const text = failure.code === 'PATCH_NOT_ALLOWED' || failure.code === 'CONFLICT' ? t('changedElsewhere')
    : failure.retryAfter !== null ? t('retryIn', { seconds: Math.ceil(failure.retryAfter) })
    : failure.code === 'network' ? t('connectionLost')
    : isRefusal ? t('faultsTitle')
    : t('failed');
  return <Note tone="bad">{text}</Note>;
}

export function Note({ tone, title, children }: { tone: 'bad' | 'warn' | 'good' | 'plain'; title?: string; children: ReactNode }) {
  return (
    <div className={`note ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      {title && <strong>{title}</strong>}
      <div>{children}</div>
    </div>
  );
}

/** A large sign above an outcome. */
export function Sign({ kind }: { kind: 'good' | 'bad' | 'wait' }) {
  if (kind === 'wait') return <div className="spinner" aria-hidden="true" />;
  return (
    <svg className={`sign ${kind}`} viewBox="0 0 64 64" aria-hidden="true">
      <circle cx="32" cy="32" r="30" />
      <path d={kind === 'good' ? 'm19 33 9 9 17-19' : 'M32 17v19m0 9v2'} />
    </svg>
  );
}

import { useEffect, useState } from 'react';
import { tell } from './embedding';
import { useTexts } from './i18n';
import { screenOf } from './journey';
import { Note } from './parts/basics';
import { Details } from './screens/details';
import { Documents } from './screens/documents';
import { Outcome, Waiting } from './screens/outcome';
import { Signing } from './screens/signing';
import type { OpenVisit } from './visit';

/** The screen that the customer's state calls for. */
export function Journey({ visit }: { visit: OpenVisit }) {
  const { t } = useTexts();
  const { status, kycStatus, identity } = visit.customer;
  const identityStatus = identity?.status ?? null;
  const drawn = screenOf(visit.customer);
  // After an attempt that has ended, the person decides whether there is another.
  const [restarts, setRestarts] = useState<string | null>(null);
  const screen = restarts !== null && restarts === identity?.id && (drawn === 'rejected' || drawn === 'expired') ? 'details' : drawn;
  useEffect(() => {
    tell({ type: 'status', status, kycStatus, identityStatus });
    if (status === 'ACTIVE' || status === 'REJECTED') tell({ type: 'done', status, kycStatus });
  }, [status, kycStatus, identityStatus]);
  return (
    <>
      {!visit.isConnected && <Note tone="warn">{t('connectionLost')}</Note>}
      {screen === 'details' && <Details key={identity?.id ?? ''} visit={visit} />}
      {screen === 'documents' && <Documents key={identity?.status} visit={visit} />}
      {screen === 'waiting' && <Waiting visit={visit} />}
      {screen === 'sign' && <Signing visit={visit} />}
      {(screen === 'verified' || screen === 'rejected' || screen === 'expired' || screen === 'deactivated' || screen === 'blocked') && (
        <Outcome key={screen} visit={visit} screen={screen} onRestart={() => setRestarts(identity?.id ?? null)} />
      )}
    </>
  );
}

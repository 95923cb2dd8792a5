import { useState } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useCamera } from '../camera';
import { useTexts } from '../i18n';
import { Note, PrimaryButton, SecondaryButton } from './basics';
import { Preview } from './file-slot';

/** The camera on the back, with a frame to put the document in; the picture is looked at before it is used. */
export function DocumentCamera({ what, onClose, onTaken }: { what: string; onClose(): void; onTaken(file: File): void }) {
  const { t } = useTexts();
  const camera = useCamera('environment');
  const [taken, setTaken] = useState<File | null>(null);
  const isBlocked = camera.state === 'denied' || camera.state === 'absent';
  return (
    <ModalOverlay isOpen isDismissable onOpenChange={(isOpen) => isOpen || onClose()} className="overlay">
      <Modal className="camera-modal">
        <Dialog className="camera-dialog">
          <Heading slot="title" level={2}>{t('camera.title', { what })}</Heading>
          <p className="small">{t('camera.hint')}</p>
          <div className="viewfinder" hidden={taken !== null || isBlocked}>
            <video ref={camera.video} muted playsInline />
            <Frame />
          </div>
          {taken && <Preview file={taken} />}
          {camera.state === 'starting' && <p role="status">{t('camera.starting')}</p>}
          {isBlocked && <Note tone="warn">{t(camera.state === 'denied' ? 'camera.denied' : 'camera.absent')} {t('camera.uploadInstead')}</Note>}
          <div className="buttons">
            {taken && <PrimaryButton onPress={() => onTaken(taken)}>{t('camera.use')}</PrimaryButton>}
            {taken && <SecondaryButton onPress={() => setTaken(null)}>{t('file.again')}</SecondaryButton>}
            {!taken && !isBlocked && <PrimaryButton isDisabled={camera.state !== 'running'} onPress={() => void camera.take('photo.jpg').then(setTaken)}>{t('camera.take')}</PrimaryButton>}
            {isBlocked && <PrimaryButton onPress={camera.retry}>{t('tryAgain')}</PrimaryButton>}
            <SecondaryButton onPress={onClose}>{t('camera.cancel')}</SecondaryButton>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

/** The proportions of an identity card (ISO/IEC 7810, ID-1: 85.60 × 53.98 mm). */
function Frame() {
  return (
    <svg className="frame" viewBox="0 0 856 540" preserveAspectRatio="xMidYMid meet" aria-hidden="true">
      <rect x="30" y="30" width="796" height="480" rx="34" />
    </svg>
  );
}

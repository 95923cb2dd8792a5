import { useCallback, useEffect, useRef, useState, type RefObject } from 'react';

/** Of JPEG pictures: what is lost beyond is not seen, and files stay a few megabytes. */
const QUALITY = 0.92;
/** Pixels, asked of the camera: a card fills some 1,000 of them at 300 dots an inch. */
const WANTED_WIDTH = 2560;

export type CameraState = 'starting' | 'running' | 'denied' | 'absent';

export interface Camera {
  video: RefObject<HTMLVideoElement | null>;
  state: CameraState;
  retry(): void;
  /** What the camera sees now; the whole of it, whatever part the frame shows. */
  take(name: string): Promise<File | null>;
}

/** A camera of this device, for as long as the component is there. */
export function useCamera(facing: 'environment' | 'user'): Camera {
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<CameraState>('starting');
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let stream: MediaStream | null = null;
    let stopped = false;
    const start = async (): Promise<void> => {
      setState('starting');
      // Absent in insecure contexts, and where a frame is not allowed to.
      if (!navigator.mediaDevices?.getUserMedia) return setState('absent');
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: { ideal: facing }, width: { ideal: WANTED_WIDTH } } });
        if (stopped) return stop(stream);
        video.current!.srcObject = stream;
        await video.current!.play();
        setState('running');
      } catch (error) {
        if (!stopped) setState(error instanceof DOMException && error.name === 'NotAllowedError' ? 'denied' : 'absent');
      }
    };
    void start();
    return () => {
      stopped = true;
      stop(stream);
    };
  }, [facing, tries]);
  const take = useCallback((name: string) => pictureOf(video.current, name), []);
  return { video, state, retry: () => setTries((before) => before + 1), take };
}

function stop(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

async function pictureOf(video: HTMLVideoElement | null, name: string): Promise<File | null> {
  if (!video || video.videoWidth === 0) return null;
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')!.drawImage(video, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', QUALITY));
  return blob && new File([blob], name, { type: 'image/jpeg' });
}

/** Pixels a side of the small pictures that are compared. */
const COMPARED = 32;

/** How much of the picture has changed since it was last asked, from 0 to 1; null at the first look. */
export function motionMeter(video: RefObject<HTMLVideoElement | null>): () => number | null {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = COMPARED;
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  let before: Uint8ClampedArray | null = null;
  return () => {
    if (!video.current || video.current.videoWidth === 0) return null;
    context.drawImage(video.current, 0, 0, COMPARED, COMPARED);
    const now = context.getImageData(0, 0, COMPARED, COMPARED).data;
    const last = before;
    before = now;
    if (!last) return null;
    let change = 0;
    for (let at = 0; at < now.length; at += 4) change += Math.abs(now[at + 1]! - last[at + 1]!);
    return change / (COMPARED * COMPARED * 255);
  };
}

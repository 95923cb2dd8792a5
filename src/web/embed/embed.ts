// Puts the hosted verification page into a partner's own, and says how it went. Served by the gateway as /embed.js:
//   KycGateway.open({ link: customer.verificationLink }).then(({ status }) => …)

/** What to open, and where. */
export interface OpenOptions {
  /** `Customer.verificationLink`, as the gateway gave it to your server. */
  link: string;
  /** The element to show it in; without one it opens over the page, and can be closed. */
  container?: Element | string;
  /** The language of the page, such as `de`; without one, the browser's. */
  locale?: string;
  /** Called with every status on the way. */
  onStatus?: (status: VerificationStatus) => void;
}

export interface VerificationStatus {
  /** CustomerStatus of the schema. */
  status: string;
  /** KycStatus of the schema. */
  kycStatus: string;
  /** IdentityStatus of the schema; null before there is an attempt. */
  identityStatus: string | null;
}

/** How it went. What the person may do, your server asks the gateway: a browser can be made to say anything. */
export interface VerificationResult {
  /** ACTIVE or REJECTED; DISMISSED when the person has closed the page before. */
  status: string;
  kycStatus: string | null;
}

/** The page could not be shown: the link is over, or your origin is not among the organization's. */
export class VerificationError extends Error {
  constructor(readonly code: string) {
    super(`The verification page could not be shown: ${code}`);
  }
}

interface Message {
  source?: unknown;
  type?: unknown;
  status?: unknown;
  kycStatus?: unknown;
  identityStatus?: unknown;
  code?: unknown;
}

const TITLE = 'Identity verification';
/** Milliseconds that the outcome stays to be read before the dialog goes. */
const LINGER = 2_500;
/** Pixels of the bar with the button that closes the dialog: WCAG 2.2 asks for 24, thumbs for 44. */
const BAR = 44;

/** Opens the page. Resolves at its end, rejects with VerificationError when it cannot be shown. */
export function open(options: OpenOptions): Promise<VerificationResult> {
  const url = new URL(options.link);
  url.searchParams.set('embedder', location.origin);
  if (options.locale) url.searchParams.set('locale', options.locale);
  const frame = document.createElement('iframe');
  frame.allow = 'camera';
  frame.title = TITLE;
  frame.referrerPolicy = 'no-referrer';
  frame.src = url.href;
  Object.assign(frame.style, { border: '0', width: '100%', height: '100%', minHeight: '640px', display: 'block' });
  return new Promise((resolve, reject) => {
    const close = place(frame, options.container, () => finish(() => resolve({ status: 'DISMISSED', kycStatus: null })));
    const finish = (settle: () => void): void => {
      removeEventListener('message', onMessage);
      settle();
    };
    const onMessage = ({ origin, source, data }: MessageEvent<Message>): void => {
      // Another frame of the page may say the same words.
      if (origin !== url.origin || source !== frame.contentWindow || data?.source !== 'kyc-gateway') return;
      if (data.type === 'status') options.onStatus?.({ status: String(data.status), kycStatus: String(data.kycStatus), identityStatus: data.identityStatus === null ? null : String(data.identityStatus) });
      else if (data.type === 'done') {
        setTimeout(close, LINGER);
        finish(() => resolve({ status: String(data.status), kycStatus: String(data.kycStatus) }));
      } else if (data.type === 'error' && data.code !== 'unreachable') finish(() => reject(new VerificationError(String(data.code))));
    };
    addEventListener('message', onMessage);
  });
}

/** Shows the frame in the container, or in a dialog over the page. @returns how to take the dialog away; the container keeps its page. */
function place(frame: HTMLIFrameElement, container: OpenOptions['container'], onClose: () => void): () => void {
  const element = typeof container === 'string' ? document.querySelector(container) : container;
  if (container !== undefined && !element) throw new TypeError('KycGateway.open: there is no such container.');
  if (element) {
    element.replaceChildren(frame);
    return () => undefined;
  }
  const dialog = document.createElement('dialog');
  dialog.setAttribute('aria-label', TITLE);
  Object.assign(dialog.style, { width: 'min(640px, 100vw)', height: 'min(860px, 100dvh)', maxWidth: '100vw', maxHeight: '100dvh', padding: '0', border: '0', borderRadius: '16px', overflow: 'hidden', background: '#fff' });
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = '×';
  button.setAttribute('aria-label', 'Close');
  Object.assign(button.style, { display: 'block', width: '44px', height: `${BAR}px`, margin: '0 0 0 auto', border: '0', background: 'transparent', font: '28px/1 system-ui', cursor: 'pointer' });
  Object.assign(frame.style, { minHeight: '0', height: `calc(100% - ${BAR}px)` });
  button.onclick = () => dialog.close();
  dialog.onclose = () => {
    dialog.remove();
    onClose();
  };
  dialog.append(button, frame);
  document.body.append(dialog);
  dialog.showModal();
  return () => dialog.close();
}

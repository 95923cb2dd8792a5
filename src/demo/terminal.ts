/** A terminal, or whatever takes lines in its place. */
export interface Screen {
  write(line: string): void;
  /** Whether colours are shown; elsewhere their codes would be noise. */
  colours: boolean;
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
type Style = keyof typeof CODES;

/** Columns of the operation's name, so that what it was asked with lines up. */
const NAME_WIDTH = 20;
/** Columns of the kind of object whose status has changed. */
const KIND_WIDTH = 9;

/** Statuses that end a walk well, badly, or wait for somebody. */
const STYLES_OF_STATUSES: Readonly<Record<string, Style>> = {
  APPROVED: 'green', ACTIVE: 'green', VERIFIED: 'green',
  REJECTED: 'red', DECLINED: 'red', EXPIRED: 'red', FAILED: 'red',
  INCOMPLETE_VERIFICATIONS: 'yellow', NEEDS_ADDITIONAL_INFORMATION: 'yellow', AWAITING_DOCUMENT_UPLOAD: 'yellow', AWAITING_SIGNATURE: 'yellow',
};

/** Prints a walk so that a person can follow it: what was asked, what came back, and each status as it arrives. */
export class Terminal {
  constructor(private readonly screen: Screen) {}

  /** The beginning of a walk. */
  heading(text: string): void {
    this.screen.write('');
    this.screen.write(this.#paint('bold', text));
  }

  /** What the reader should know before the next step. */
  note(text: string): void {
    this.screen.write('');
    this.screen.write(`  ${this.#paint('dim', text)}`);
  }

  /** An operation that is being sent. */
  asked(operation: string, detail: string): void {
    this.screen.write(`  ${this.#paint('cyan', '→')} ${this.#paint('bold', operation.padEnd(NAME_WIDTH))} ${detail}`);
  }

  /** What an operation answered. */
  answered(text: string): void {
    this.screen.write(`  ${this.#paint('cyan', '←')} ${text}`);
  }

  /** A refusal, with its facts. */
  refused(code: string, message: string, facts: Readonly<Record<string, unknown>>): void {
    this.screen.write(`  ${this.#paint('cyan', '←')} ${this.#paint('red', code)} ${message}`);
    const width = Math.max(...Object.keys(facts).map((name) => name.length));
    for (const [name, fact] of Object.entries(facts)) this.screen.write(`      ${name.padEnd(width)}  ${said(fact)}`);
  }

  /** A change of status, as the subscription delivers it. */
  happened(kind: string, oldStatus: string | null, newStatus: string, why: string | null): void {
    const from = oldStatus === null || oldStatus === newStatus ? '' : `${oldStatus} → `;
    const status = this.#paint(STYLES_OF_STATUSES[newStatus] ?? 'bold', newStatus);
    this.screen.write(`      ${this.#paint('dim', `• ${kind.padEnd(KIND_WIDTH)}`)} ${this.#paint('dim', from)}${status}${why === null ? '' : this.#paint('dim', `  “${why}”`)}`);
  }

  /** The last line. */
  done(text: string): void {
    this.screen.write('');
    this.screen.write(this.#paint('green', text));
  }

  #paint(style: Style, text: string): string {
    return this.screen.colours && text !== '' ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;
  }
}

function said(fact: unknown): string {
  if (Array.isArray(fact)) return fact.length === 0 ? 'none' : fact.join(', ');
  return fact === null ? 'null' : String(fact);
}

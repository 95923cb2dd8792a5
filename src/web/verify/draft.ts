import type { Answers } from './answers';
import { fieldOf } from './fields';

// A draft is kept in sessionStorage: it survives a reload, an expired link and a lost connection, it is this tab's and this
// origin's alone, and it ends with the tab. Never in localStorage, which would leave a person's data on a shared computer.
// National id numbers are not kept at all: they stay in memory, and are asked for again after a reload.

const PREFIX = 'kyc-gateway.draft.';

/** The answers that were not yet submitted for this customer. */
export function loadDraft(customerId: string): Answers {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(PREFIX + customerId) ?? '{}');
    return isAnswers(stored) ? stored : {};
  } catch {
    // No storage (a browser that forbids it in frames), or not what was written.
    return {};
  }
}

export function saveDraft(customerId: string, answers: Answers): void {
  const kept = Object.fromEntries(Object.entries(answers).filter(([path]) => !fieldOf(path).isSecret));
  try {
    sessionStorage.setItem(PREFIX + customerId, JSON.stringify(kept));
  } catch {
    // Full or forbidden: the draft is in memory all the same.
  }
}

/** Forgets it: the gateway has it now. */
export function dropDraft(customerId: string): void {
  try {
    sessionStorage.removeItem(PREFIX + customerId);
  } catch {
    // Nothing was kept.
  }
}

function isAnswers(value: unknown): value is Answers {
  return typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string' || typeof each === 'boolean');
}

import type { Provider } from './provider.js';

/**
 * The provider of LIVE organizations unless policy names another: the gateway's own checks decide documents. The
 * files were judged when they came; a finding of severity ERROR rejects. Every submission goes to a reviewer, who decides.
 */
export function manualProvider(): Provider {
  return {
    decidesReviews: false,
    seconds: () => 0,
    evaluate: () => Promise.resolve({ outcome: 'FLAG', demands: [], errorDescription: null, state: {} }),
    checkDocuments: (_subject, documents) => Promise.resolve(documents.map(({ id, findings }) => ({ documentId: id, reason: findings.find(({ severity }) => severity === 'ERROR')?.message ?? null }))),
  };
}

import type { GatewayClient } from './client.js';
import { ADVANCE_CLOCK, CREATE_CUSTOMER } from './operations.js';
import type { Pictures } from './pictures.js';
import { Statuses } from './statuses.js';
import type { Terminal } from './terminal.js';

/** What every walk goes with. */
export interface Walk {
  client: GatewayClient;
  terminal: Terminal;
  pictures: Pictures;
  /** Tells this run's customers from those of other runs. */
  run: string;
}

export interface CustomerState {
  id: string;
  status: string;
  kycStatus: string;
  version: number;
}

export interface RequirementState {
  kind: string;
  field: string | null;
  message: string;
  acceptedDocuments: readonly string[] | null;
  contract: { type: string; version: string; title: string } | null;
}

export interface IdentityState {
  id: string;
  status: string;
  requirements: readonly RequirementState[];
}

export interface DocumentOutcome {
  document: { id: string; status: string; fileUploads: readonly { fileName: string; fileSize: number; width: number; height: number; warnings: readonly { code: string }[] }[] };
  identity: { id: string; status: string; documentAttemptsRemaining: number };
}

/** A new customer, whose statuses are watched from here on. */
export interface Newcomer {
  customerId: string;
  partnerUserId: string;
  statuses: Statuses;
}

/** Creates a customer and subscribes to it. */
export async function meet({ client, terminal, run }: Walk, name: string, email: string): Promise<Newcomer> {
  const partnerUserId = `${name}-${run}`;
  terminal.asked('createCustomer', `${email}, partnerUserId ${partnerUserId}`);
  const { createCustomer } = await client.ask<{ createCustomer: { customer: CustomerState } }>(CREATE_CUSTOMER, { input: { email, partnerUserId } });
  const { customer } = createCustomer;
  terminal.answered(`${customer.id}: ${customer.status}, kycStatus ${customer.kycStatus}`);
  const statuses = await Statuses.of(client, terminal, customer.id);
  terminal.answered('subscribed to its statuses over WebSocket; what they deliver is marked •');
  return { customerId: customer.id, partnerUserId, statuses };
}

/** Moves the sandbox's clock, so that nobody has to wait. */
export async function letTimePass({ client, terminal }: Walk, seconds: number): Promise<void> {
  terminal.asked('advanceSandboxClock', `${seconds} s, instead of waiting`);
  await client.ask(ADVANCE_CLOCK, { seconds });
}

/** What still stands between an attempt and its approval, in a line. */
export function wanted(requirements: readonly RequirementState[]): string {
  if (requirements.length === 0) return 'nothing more';
  return requirements.map(({ kind, field, acceptedDocuments, contract }) => field ?? contract?.title ?? acceptedDocuments?.join(' or ') ?? kind).join('; ');
}

/** A file as the gateway has stored it, in a line. */
export function stored({ document }: DocumentOutcome): string {
  return document.fileUploads
    .map(({ fileName, fileSize, width, height, warnings }) => {
      const objections = warnings.length === 0 ? 'no warnings' : `warnings ${warnings.map(({ code }) => code).join(', ')}`;
      return `${fileName}, ${width} × ${height}, ${Math.round(fileSize / 1_000)} kB: ${objections}`;
    })
    .join('; ');
}

import { ROLES } from './core/caller.js';
import { ERROR_CODES } from './core/errors.js';
import { ACTIONS, PROJECTIONS } from './customer/lifecycle.js';
import { FIELD_PERMISSIONS } from './graphql/field-permissions.js';
import { PERMISSIONS } from './graphql/permissions.js';
import { LIMITS } from './graphql/limits.js';
import { isFinal, LIFECYCLE, TRANSITIONS } from './identity/lifecycle.js';
import { FAILURE_REASONS, SANDBOX_CONTROLS, SANDBOX_RULES, SANDBOX_SECONDS, type SandboxControl } from './kyc/sandbox.js';
import type { IdentityStatus } from './kyc/vocabularies.js';

/** The parts of README.md that are made from the tables that the gateway itself obeys, by the name of their marker. */
const PARTS: Readonly<Record<string, () => string>> = {
  lifecycle: lifecycleDiagram,
  projections: projectionTable,
  actions: actionTable,
  schedule: scheduleTable,
  sandbox: sandboxTable,
  'failure-reasons': failureReasonTable,
  errors: errorTable,
  roles: roleTable,
  limits: limitTable,
  fields: fieldTable,
};

const MARKED_PART = /(<!-- generated: (?<name>[\w-]+) -->\n)[^]*?(<!-- end -->)/g;

/** README.md with its generated parts made anew. Throws when a part has no place in it, or a marker no part. */
export function withGeneratedParts(readme: string): string {
  const placed = new Set<string>();
  const written = readme.replace(MARKED_PART, (_all, begin: string, name: string, end: string) => {
    const part = PARTS[name];
    if (!part) throw new Error(`There is no generated part named ${name}`);
    placed.add(name);
    return `${begin}\n${part()}\n\n${end}`;
  });
  const lost = Object.keys(PARTS).filter((name) => !placed.has(name));
  if (lost.length > 0) throw new Error(`README.md has no place for: ${lost.join(', ')}`);
  return written;
}

function lifecycleDiagram(): string {
  const events = new Map<string, string[]>();
  for (const { from, event, to } of TRANSITIONS) {
    const step = `${from ?? '[*]'} --> ${to}`;
    events.set(step, [...(events.get(step) ?? []), event]);
  }
  const ends = (Object.keys(LIFECYCLE) as IdentityStatus[]).filter(isFinal).map((status) => `  ${status} --> [*]`);
  const steps = [...events].map(([step, names]) => `  ${step} : ${names.join(', ')}`);
  return ['```mermaid', 'stateDiagram-v2', ...steps, ...ends, '```'].join('\n');
}

function projectionTable(): string {
  const statuses = Object.keys(LIFECYCLE) as IdentityStatus[];
  const rows = statuses.map((status) => [code(status), code(PROJECTIONS[status].customerStatus), code(PROJECTIONS[status].kycStatus)]);
  return table(['`Identity.status`', '`Customer.status`', '`Customer.kycStatus`'], [['none yet', code('CREATED'), code('NOT_STARTED')], ...rows]);
}

function actionTable(): string {
  const list = (words: readonly string[]): string => words.map(code).join(' ');
  const rows = Object.entries(ACTIONS).map(([action, { customer, identity, roles }]) => [code(action), list(customer), list(identity), roles.join(', ')]);
  return table(['action', 'allowed while the customer is', 'or its attempt is', 'to'], rows);
}

function scheduleTable(): string {
  return table(['status', 'lasts'], Object.entries(SANDBOX_SECONDS).map(([status, seconds]) => [code(status), `${seconds} s`]));
}

function sandboxTable(): string {
  const trigger = ({ trigger }: SandboxControl): string => {
    if ('email' in trigger) return `e-mail ${code(trigger.email)}`;
    if ('nationalIdNumber' in trigger) return `SSN ${code(trigger.nationalIdNumber)}`;
    return 'debugStatus' in trigger ? code(`debugStatus: ${trigger.debugStatus}`) : 'nothing of these';
  };
  const controls = SANDBOX_CONTROLS.map((control) => [trigger(control), control.effect]);
  return table(['what you send', 'what follows'], [...controls, ...SANDBOX_RULES.map(({ sent, effect }) => [sent, effect])]);
}

function failureReasonTable(): string {
  return table(['`debugFailureReason`', '`errorDescription`'], [...Object.entries(FAILURE_REASONS).map(([reason, shown]) => [code(reason), shown]), ['any other text', 'that text']]);
}

function errorTable(): string {
  return table(['`extensions.code`', '`statusCode`', 'meaning'], Object.entries(ERROR_CODES).map(([name, { statusCode, meaning }]) => [code(name), String(statusCode), meaning]));
}

function limitTable(): string {
  return table(['at most', 'what', '`extensions.code`'], Object.values(LIMITS).map(({ value, code: refusedWith, meaning }) => [value.toLocaleString('en-US'), meaning, code(refusedWith)]));
}

function roleTable(): string {
  const rows = Object.entries(PERMISSIONS).flatMap(([root, rules]) =>
    Object.entries(rules).map(([field, allowed]) => [code(`${root}.${field}`), ...ROLES.map((role) => (allowed.includes(role) ? '✓' : ''))]),
  );
  return table(['root field', ...ROLES], rows);
}

function fieldTable(): string {
  const rows = Object.entries(FIELD_PERMISSIONS).flatMap(([type, { kept }]) =>
    Object.entries(kept).map(([field, { roles, otherwise }]) => [code(`${type}.${field}`), roles.join(', '), otherwise === null ? 'null' : 'an empty list']),
  );
  return table(['field', 'shown to', 'to others'], rows);
}

function code(text: string): string {
  return `\`${text}\``;
}

/** A table of Markdown, in which a bar would begin another cell. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

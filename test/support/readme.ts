import { read } from './sources.js';

/** A step of a flow in README.md: an operation with its variables, and where it says that the attempt and the customer then are. */
export interface ReadmeStep {
  operation: string;
  variables: Record<string, unknown>;
  identityStatus: string | null;
  customerStatus: string | null;
  /** The code that the operation is refused with. */
  refusal: string | null;
}

const BLOCK = /```(?<language>\w+)\n(?<text>[^]*?)```/g;
const REACHED = /The identity is now `(\w+)` and the customer `(\w+)`\./;
const REFUSED = /This is refused with `(\w+)`/;

export const readme = (): string => read('README.md');

/** The text below a heading of the second level. */
export function sectionOf(title: string): string {
  const section = readme().split(/^## /m).find((text) => text.startsWith(`${title}\n`));
  if (section === undefined) throw new Error(`README.md has no section ${title}`);
  return section;
}

/** The code blocks of a text in one language. */
export function blocks(text: string, language: string): string[] {
  return [...text.matchAll(BLOCK)].flatMap(({ groups }) => (groups!['language'] === language ? [groups!['text']!] : []));
}

/** The steps of a flow, in their order. */
export function stepsOf(title: string): ReadmeStep[] {
  return sectionOf(title).split('```graphql\n').slice(1).map((text) => {
    const [operation = '', ...rest] = text.split('```');
    const after = rest.join('```');
    const [, identityStatus = null, customerStatus = null] = REACHED.exec(after) ?? [];
    const variables = /^\s*```json\n([^]*?)```/.exec(after)?.[1];
    return { operation, variables: variables === undefined ? {} : (JSON.parse(variables) as Record<string, unknown>), identityStatus, customerStatus, refusal: REFUSED.exec(after)?.[1] ?? null };
  });
}

/** The commands of a text that call the gateway. */
export function curlsOf(text: string): string[] {
  return blocks(text, 'sh').flatMap((block) => block.split(/^(?=curl)/m).filter((command) => command.startsWith('curl')));
}

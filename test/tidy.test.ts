import { describe, expect, it } from 'vitest';
import { emptySchema } from '../src/gateway.js';
import { printGatewaySchema } from '../src/graphql/schema.js';
import { filesBelow, read, readSource, type Import, type Source } from './support/sources.js';

// Holds the house (ARCHITECTURE.md). Each rule lists what breaks it, so that a failure says where.

const FLOORS: Readonly<Record<string, number>> = {
  demo: 10, operator: 10, graphql: 9, event: 8, webhook: 8, verification: 7, document: 6, signature: 6, identity: 5, customer: 4, organization: 3, kyc: 2, audit: 2, migrations: 2, core: 1,
};
const TOP_FLOOR = 10;
const LONGEST_FILE = 300;
const LONGEST_FUNCTION = 60;

/** Where a status may be written: file, function and what it is written from. */
const STATUS_WRITES: readonly string[] = [
  'src/customer/commands.ts createCustomer: status: customerStatus',
  'src/customer/commands.ts createCustomer: kycStatus',
  'src/customer/commands.ts createCustomer: identityStatus: null',
  'src/customer/commands.ts projectAttempt: customer.identityStatus = attempt.identityStatus',
  'src/customer/commands.ts changeState: customer.status = customerStatus',
  'src/customer/commands.ts changeState: customer.kycStatus = kycStatus',
  'src/identity/commands.ts moveAttempt: identity.status = step(oldStatus, event)',
  'src/identity/commands.ts beginAttempt: status: FIRST.to',
  'src/document/commands.ts #write: status: stepDocument(replaced.status, \'replace\')',
  'src/document/commands.ts newDocument: status: FIRST_DOCUMENT_STATUS',
  'src/document/commands.ts moveDocument: document.status = stepDocument(oldStatus, event)',
];
const STATUSES = new Set(['status', 'kycStatus', 'identityStatus']);
/** The calls that make or change what is kept. */
const WRITING_CALLS = new Set(['create', 'assign', 'insert', 'upsert', 'values', 'set', 'nativeUpdate', 'nativeInsert', 'doUpdateSet']);
const STATEFUL_TABLES = ['customer', 'identity', 'document'];

/** The web pages: a project of their own, clients of the public API. */
const WEB = 'src/web/';
const sources = filesBelow('src').filter((path) => path.endsWith('.ts') && !path.startsWith(WEB)).map(readSource);
const web = filesBelow('src/web').filter((path) => /\.tsx?$/.test(path)).map(readSource);
const every = <Found>(find: (source: Source) => Found[]): Found[] => sources.flatMap(find);

/** The folder of a file in src, or null for one of the composition root. */
function folderOf(path: string): string | null {
  const [, folder, ...rest] = path.split('/');
  return rest.length > 0 ? folder! : null;
}

function floorOf(path: string): number {
  const folder = folderOf(path);
  const floor = folder === null ? TOP_FLOOR : FLOORS[folder];
  if (floor === undefined) throw new Error(`${path} is on no floor of the house`);
  return floor;
}

/** The imports of files outside the importing file's folder. */
function importsAcross({ path, imports }: Source): Import[] {
  return imports.filter((imported) => folderOf(imported.path) !== folderOf(path) || folderOf(path) === null);
}

const said = (path: string, { line }: { line: number }, what: string): string => `${path}:${line} ${what}`;

describe('the floors', () => {
  it('imports go down, never up, never sideways', () => {
    const found = every((source) =>
      importsAcross(source)
        .filter((imported) => folderOf(source.path) !== null || folderOf(imported.path) !== null)
        .filter((imported) => (folderOf(source.path) === null ? floorOf(imported.path) > TOP_FLOOR : floorOf(imported.path) >= floorOf(source.path)))
        .map((imported) => said(source.path, imported, `imports ${imported.path}`)),
    );
    expect(found).toEqual([]);
  });

  it('migrations import core alone, and only the composition root imports them', () => {
    const found = every((source) =>
      importsAcross(source)
        .filter((imported) => (folderOf(source.path) === 'migrations' ? folderOf(imported.path) !== 'core' : folderOf(imported.path) === 'migrations' && folderOf(source.path) !== null))
        .map((imported) => said(source.path, imported, `imports ${imported.path}`)),
    );
    expect(found).toEqual([]);
  });

  it('the demo is a client like any other: it imports nothing of the gateway', () => {
    const demo = sources.filter(({ path }) => folderOf(path) === 'demo');
    expect(demo.flatMap((source) => importsAcross(source).filter(({ isTypeOnly }) => !isTypeOnly).map((imported) => said(source.path, imported, imported.path)))).toEqual([]);
    expect(every((source) => (folderOf(source.path) === 'demo' ? [] : source.imports.filter(({ path }) => folderOf(path) === 'demo')))).toEqual([]);
  });

  it('the web pages are clients like any other: they import nothing of the gateway, and the gateway nothing of them', () => {
    expect(web.length).toBeGreaterThan(20);
    expect(web.flatMap((source) => source.imports.filter(({ path }) => !path.startsWith(WEB)).map((imported) => said(source.path, imported, imported.path)))).toEqual([]);
    expect(every((source) => source.imports.filter(({ path }) => path.startsWith(WEB)).map((imported) => said(source.path, imported, imported.path)))).toEqual([]);
  });

  it('a lifecycle imports nothing but types and the pure table of a lower floor', () => {
    const lifecycles = sources.filter(({ path }) => path.endsWith('/lifecycle.ts'));
    expect(lifecycles.length).toBeGreaterThan(0);
    const found = lifecycles.flatMap((source) =>
      source.imports.filter(({ isTypeOnly, path }) => !isTypeOnly && !path.endsWith('/lifecycle.ts')).map((imported) => said(source.path, imported, imported.path)),
    );
    expect(found).toEqual([]);
  });

  it('decorators stand in the files that say what is shown', () => {
    const isShown = (path: string): boolean =>
      /\/(?:[a-z]+-)?(?:resolver|types)\.ts$/.test(path) || ['src/core/connections.ts', 'src/core/objects.ts'].includes(path) || folderOf(path) === 'graphql';
    const found = every((source) => (isShown(source.path) ? [] : source.decorators.map((decorator) => said(source.path, decorator, decorator.text))));
    expect(found).toEqual([]);
  });

  it('resolvers read through their context, which knows whom the caller may see', () => {
    const resolvers = sources.filter(({ path }) => path.endsWith('resolver.ts'));
    expect(resolvers.length).toBeGreaterThan(5);
    expect(resolvers.flatMap(({ path, text }) => (/core\.database|\.owner\(\)/.test(text) ? [path] : []))).toEqual([]);
  });

  it('a domain takes another\'s entity as a type alone', () => {
    const found = every((source) =>
      folderOf(source.path) === null
        ? []
        : importsAcross(source).filter(({ path, isTypeOnly }) => path.endsWith('/entity.ts') && !isTypeOnly).map((imported) => said(source.path, imported, `imports ${imported.path}`)),
    );
    expect(found).toEqual([]);
  });
});

describe('statuses', () => {
  it('no status is written outside the lifecycle', () => {
    const found = every(({ path, writes }) =>
      folderOf(path) === 'demo' ? [] : writes
        .filter(({ property, call, text }) => STATUSES.has(property) && (call === null ? text.includes('=') : WRITING_CALLS.has(call)))
        .map(({ within, text }) => `${path} ${within}: ${text}`),
    );
    expect(found.sort()).toEqual([...STATUS_WRITES].sort());
  });

  it('no statement changes a row that has a status past the entities', () => {
    const table = `["'\`]?(${STATEFUL_TABLES.join('|')})\\b`;
    const changes = new RegExp(`(updateTable|insertInto|deleteFrom|mergeInto)\\(\\s*${table}|nativeUpdate\\(|\\bupdate\\s+${table}\\s+set\\b|\\binsert\\s+into\\s+${table}`, 'i');
    const found = every(({ path, text }) => (folderOf(path) === 'migrations' ? [] : linesWith(path, text, changes)));
    expect(found).toEqual([]);
  });
});

/** The lines that a pattern finds something in. */
function linesWith(path: string, text: string, pattern: RegExp): string[] {
  return text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : []));
}

describe('style', () => {
  const typescript = [...sources, ...web, ...filesBelow('test').filter((path) => path.endsWith('.ts')).map(readSource)];

  it(`no file of src is longer than ${LONGEST_FILE} lines`, () => {
    const found = [...sources, ...web].map(({ path, text }) => [path, text.split('\n').length - 1] as const).filter(([, lines]) => lines > LONGEST_FILE);
    expect(found.map(([path, lines]) => `${path} has ${lines} lines`)).toEqual([]);
  });

  it(`no function of src is longer than ${LONGEST_FUNCTION} lines`, () => {
    const found = [...sources, ...web].flatMap(({ path, functions }) => functions.filter(({ lines }) => lines > LONGEST_FUNCTION).map(({ name, line, lines }) => `${path}:${line} ${name} has ${lines} lines`));
    expect(found).toEqual([]);
  });

  it('nothing is left for later, and the compiler is not silenced', () => {
    // Written so that this file does not find itself.
    const marks = new RegExp(['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', '@ts-' + '(ignore|expect-error|nocheck)', 'eslint-' + 'disable'].map((mark) => `\\b${mark}\\b`.replace('\\b@', '@')).join('|'));
    expect(typescript.flatMap(({ path, text }) => linesWith(path, text, marks))).toEqual([]);
  });

  it('nothing is of any type', () => {
    expect(typescript.flatMap(({ path, loose }) => loose.map((place) => said(path, place, `within ${place.within}`)))).toEqual([]);
  });
});

describe('the repository', () => {
  it('names no path of a machine that it was written on, and no host that packages come from', () => {
    const machine = ['wo' + 'rk', 'ro' + 'ot', 'ho' + 'me/[a-z]+', 'Us' + 'ers/[A-Za-z]+', 't' + 'mp'].map((folder) => `(?<![\\w.@~*/-])/${folder}/`);
    const hosts = ['registry' + '\\.npmjs', 'registry' + '\\.yarnpkg', 'npm\\.pkg\\.' + 'github', 'art' + 'ifactory', 'verda' + 'ccio', 'nexus' + '\\.'];
    const pattern = new RegExp([...machine, ...hosts].join('|'), 'i');
    const texts = filesBelow('.').filter((path) => /\.(ts|js|json|md|graphql|ya?ml|html|css)$|(^|\/)(run|LICENSE|\.npmrc|\.gitignore)$/.test(path));
    expect(texts.flatMap((path) => linesWith(path, read(path), pattern))).toEqual([]);
  });

  it('every version in package.json is exact', () => {
    const manifest = JSON.parse(read('package.json')) as Record<'dependencies' | 'devDependencies' | 'optionalDependencies' | 'overrides', Record<string, string> | undefined>;
    const versions = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies, ...manifest.overrides };
    expect(Object.entries(versions).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  it('schema.graphql is what the code emits: `npm run schema` writes it', () => {
    expect(read('schema.graphql')).toBe(printGatewaySchema(emptySchema()));
  });
});

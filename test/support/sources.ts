import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { parseAst } from 'vitest/node';

/** The repository's root. */
export const ROOT = join(import.meta.dirname, '..', '..');
/** What is made from the rest, or is not ours. */
const NOT_SOURCES = new Set(['.git', 'node_modules', 'dist', 'data', 'coverage', 'test-results', 'generated']);

/** Every file below a folder of the repository, as paths from its root. */
export function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_SOURCES.has(entry.name)) return [];
    const path = folder === '.' ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** An import or a re-export of another file of the repository. */
export interface Import {
  /** The path of the imported file, from the root. */
  path: string;
  /** Nothing of it is there when the program runs. */
  isTypeOnly: boolean;
  names: string[];
  line: number;
}

/** A part of a file that the rules speak of. */
export interface Place {
  line: number;
  /** The innermost function that has a name, or an empty string. */
  within: string;
  text: string;
}

export interface Source {
  path: string;
  text: string;
  imports: Import[];
  functions: { name: string; line: number; lines: number }[];
  decorators: Place[];
  /** Where the type `any` is written. */
  loose: Place[];
  /** Assignments to a property, and properties of object literals, with the call that the literal is an argument of. */
  writes: (Place & { property: string; call: string | null })[];
}

interface Node {
  type: string;
  start: number;
  end: number;
  [part: string]: unknown;
}

/** Reads a TypeScript file by the parser that vitest brings. */
export function readSource(path: string): Source {
  const text = read(path);
  const source: Source = { path, text, imports: [], functions: [], decorators: [], loose: [], writes: [] };
  const lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  const lineOf = (offset: number): number => lineStarts.findLastIndex((start) => start <= offset) + 1;
  visit(parseAst(text, { lang: path.endsWith('x') ? 'tsx' : 'ts' }) as unknown as Node, [], (node, parents) => {
    const place = (): Place => ({ line: lineOf(node.start), within: functionAround(parents), text: text.slice(node.start, node.end) });
    if (node.type === 'Decorator') source.decorators.push(place());
    if (node.type === 'TSAnyKeyword') source.loose.push(place());
    const imported = importOf(path, node);
    if (imported) source.imports.push({ ...imported, line: lineOf(node.start) });
    if (isFunction(node)) source.functions.push({ name: nameOf(node, parents.at(-1)) ?? 'function', line: lineOf(node.start), lines: lineOf(node.end) - lineOf(node.start) + 1 });
    const write = writeOf(node, parents);
    if (write) source.writes.push({ ...place(), ...write });
  });
  return source;
}

function visit(node: Node, parents: Node[], enter: (node: Node, parents: Node[]) => void): void {
  enter(node, parents);
  for (const part of Object.values(node)) {
    for (const child of Array.isArray(part) ? part : [part]) {
      if (isNode(child)) visit(child, [...parents, node], enter);
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string' && typeof (value as Node).start === 'number';
}

function isFunction(node: Node): boolean {
  return ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'].includes(node.type);
}

/** The name that a function was declared under, itself or by what holds it. */
function nameOf(node: Node, parent: Node | undefined): string | null {
  const own = identifier(node['id']);
  if (own !== null || !parent) return own;
  if (parent.type === 'VariableDeclarator') return identifier(parent['id']);
  return ['MethodDefinition', 'Property', 'PropertyDefinition'].includes(parent.type) ? identifier(parent['key']) : null;
}

function functionAround(parents: readonly Node[]): string {
  for (let index = parents.length - 1; index >= 0; index -= 1) {
    const node = parents[index]!;
    const name = isFunction(node) ? nameOf(node, parents[index - 1]) : null;
    if (name !== null) return name;
  }
  return '';
}

function identifier(node: unknown): string | null {
  if (!isNode(node) || typeof node['name'] !== 'string') return null;
  return node.type === 'PrivateIdentifier' ? `#${node['name']}` : node['name'];
}

function importOf(path: string, node: Node): Omit<Import, 'line'> | null {
  if (!['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration', 'ImportExpression'].includes(node.type)) return null;
  const from = (node['source'] as { value?: unknown } | null)?.value;
  if (typeof from !== 'string' || !from.startsWith('.')) return null;
  const specifiers = (node['specifiers'] as Node[] | undefined) ?? [];
  const isType = (kind: unknown): boolean => kind === 'type';
  const isTypeOnly =
    isType(node['importKind']) || isType(node['exportKind']) || (specifiers.length > 0 && specifiers.every((specifier) => isType(specifier['importKind']) || isType(specifier['exportKind'])));
  const names = specifiers.flatMap((specifier) => identifier(specifier['imported']) ?? identifier(specifier['local']) ?? []);
  const target = relative(ROOT, normalize(join(ROOT, dirname(path), from))).replace(/\.js$/, '.ts');
  return { path: target, isTypeOnly, names };
}

/** What a node writes to a property, if it does. */
function writeOf(node: Node, parents: readonly Node[]): { property: string; call: string | null } | null {
  if (node.type === 'AssignmentExpression') {
    const left = node['left'] as Node;
    const property = left.type === 'MemberExpression' ? (identifier(left['property']) ?? literal(left['property'])) : null;
    return property === null ? null : { property, call: null };
  }
  // Destructuring has properties too, which read.
  if (node.type !== 'Property' || parents.at(-1)?.type !== 'ObjectExpression') return null;
  const property = identifier(node['key']) ?? literal(node['key']);
  const call = parents.findLast((parent) => parent.type === 'CallExpression');
  const callee = call?.['callee'] as Node | undefined;
  return property === null ? null : { property, call: callee ? (identifier(callee) ?? identifier(callee['property'])) : null };
}

function literal(node: unknown): string | null {
  return isNode(node) && typeof node['value'] === 'string' ? node['value'] : null;
}

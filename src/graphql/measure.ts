import { GraphQLError, Kind, Lexer, Source, TokenKind, visit, type DocumentNode, type FragmentDefinitionNode, type SelectionSetNode } from 'graphql';
import { Upload } from 'graphql-upload-minimal';
import { refusal } from '../core/errors.js';
import type { LimitName, Limits } from './limits.js';

const OPENING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/** The refusal of an operation that is beyond one of the limits. */
export function tooComplex(name: LimitName, limits: Limits, what: string): GraphQLError {
  return refusal('OPERATION_TOO_COMPLEX', `${what}: at most ${limits[name]} are accepted. Ask for less at once.`, { limit: name, maximum: limits[name] });
}

/**
 * Counts a document's tokens and brackets before it is parsed: the parser calls itself for every bracket, and would
 * run out of stack. Throws OPERATION_TOO_COMPLEX; leaves what is no GraphQL at all to the parser.
 */
export function checkTokens(text: string, limits: Limits): void {
  if (text.length > limits.characters) throw tooComplex('characters', limits, 'The document has too many characters');
  const lexer = new Lexer(new Source(text));
  let [tokens, nesting] = [0, 0];
  for (;;) {
    const kind = nextKind(lexer);
    if (kind === null || kind === TokenKind.EOF) return;
    tokens += 1;
    if (OPENING.has(kind)) nesting += 1;
    if (CLOSING.has(kind)) nesting -= 1;
    if (tokens > limits.tokens) throw tooComplex('tokens', limits, 'The document has too many tokens');
    if (nesting > limits.nesting) throw tooComplex('nesting', limits, 'The document has too many brackets within brackets');
  }
}

/** Null where there is no token. */
function nextKind(lexer: Lexer): TokenKind | null {
  try {
    return lexer.advance().kind;
  } catch {
    return null;
  }
}

/**
 * Counts what a document is made of before it is validated: the time that validation takes grows with the square of some
 * of it. Looks at every node once. Throws OPERATION_TOO_COMPLEX.
 */
export function checkShape(document: DocumentNode, limits: Limits): void {
  if (document.definitions.length > limits.definitions) throw tooComplex('definitions', limits, 'The document has too many operations and fragments');
  const counts = { fields: 0, aliases: 0, directives: 0 };
  const repetitions = new Map<string, number>();
  const count = (name: keyof typeof counts, what: string): void => {
    counts[name] += 1;
    if (counts[name] > limits[name]) throw tooComplex(name, limits, what);
  };
  const written = (): void => count('fields', 'The document has too many fields');
  visit(document, {
    Field: ({ alias, name }) => {
      written();
      if (alias) count('aliases', 'The document has too many aliases');
      const key = (alias ?? name).value;
      const times = (repetitions.get(key) ?? 0) + 1;
      repetitions.set(key, times);
      if (times > limits.repetitions) throw tooComplex('repetitions', limits, 'The document asks for a field of one name too often');
    },
    FragmentSpread: written,
    InlineFragment: written,
    Directive: () => count('directives', 'The document has too many directives'),
  });
  if (new Depth(document).ofAll() > limits.depth) throw tooComplex('depth', limits, 'The document has too many fields within fields');
}

/** How deep the fields of a document stand in each other. Each fragment is measured once, however often it is spread. */
class Depth {
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #known = new Map<string, number>();

  constructor(private readonly document: DocumentNode) {
    this.#fragments = fragmentsOf(document);
  }

  ofAll(): number {
    return this.document.definitions.reduce((deepest, definition) => Math.max(deepest, 'selectionSet' in definition ? this.#of(definition.selectionSet) : 0), 0);
  }

  #of(selectionSet: SelectionSetNode | undefined): number {
    let deepest = 0;
    for (const selection of selectionSet?.selections ?? []) {
      if (selection.kind === Kind.FIELD) deepest = Math.max(deepest, 1 + this.#of(selection.selectionSet));
      else deepest = Math.max(deepest, selection.kind === Kind.INLINE_FRAGMENT ? this.#of(selection.selectionSet) : this.#ofFragment(selection.name.value));
    }
    return deepest;
  }

  #ofFragment(name: string): number {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    // A fragment that spreads itself is for validation to refuse: here it ends.
    this.#known.set(name, 0);
    const depth = this.#of(this.#fragments.get(name)?.selectionSet);
    this.#known.set(name, depth);
    return depth;
  }
}

/**
 * Counts the values of variables and how deep they stand in each other. Does not call itself: there may be thousands of
 * levels. @returns how many values there are. Throws OPERATION_TOO_COMPLEX.
 */
export function checkVariableShape(variables: Readonly<Record<string, unknown>>, limits: Limits): number {
  let level: unknown[] = [variables];
  let values = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limits.variableNesting) throw tooComplex('variableNesting', limits, 'The variables have too many objects and lists within each other');
    const inner: unknown[] = [];
    for (const item of level) if (typeof item === 'object' && item !== null && !(item instanceof Upload)) for (const value of Object.values(item)) inner.push(value);
    level = inner;
    values += level.length;
    if (values > limits.variableValues) throw tooComplex('variableValues', limits, 'The variables have too many values');
  }
  return values;
}

/** The fragments of a document by their names. */
export function fragmentsOf(document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  return new Map(document.definitions.flatMap((definition) => (definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [])));
}

import { buildSchema, parse, validate, type DocumentNode } from 'graphql';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/core/config.js';
import * as demoOperations from '../src/demo/operations.js';
import { EXPLORER_OPERATIONS } from '../src/graphql/explorer-operations.js';
import { withGeneratedParts } from '../src/readme.js';
import { blocks, curlsOf, readme, stepsOf } from './support/readme.js';
import { filesBelow, read } from './support/sources.js';

const schema = buildSchema(read('schema.graphql'));

/** What is wrong with an operation; nothing when it can be sent. */
function faults(operation: string): string[] {
  return validate(schema, parse(operation)).map(({ message }) => message);
}

describe('README.md', () => {
  it('its generated parts are what the code says: `npm run docs` writes them', () => {
    expect(readme()).toBe(withGeneratedParts(readme()));
  });

  it('shows what npm says as it starts the gateway', () => {
    const { name, version, scripts } = JSON.parse(read('package.json')) as { name: string; version: string; scripts: { start: string } };
    expect(readme()).toContain(`> ${name}@${version} start\n> ${scripts.start}\n`);
  });

  it('every operation in it fits the schema', () => {
    const operations = [...blocks(readme(), 'graphql'), ...curlsOf(readme()).map(queryOfCurl)];
    expect(operations.length).toBeGreaterThan(15);
    for (const operation of operations) expect(faults(operation), operation).toEqual([]);
  });

  it('every operation comes with the variables that it takes', () => {
    for (const { operation, variables } of ['The Customer API flow', 'The institutional flow', 'A refusal'].flatMap(stepsOf)) {
      expect(Object.keys(variables).sort(), operation).toEqual(variablesOf(parse(operation)).sort());
    }
  });

  it('names every variable of the configuration, and no other', () => {
    const asked = new Set<string>();
    readConfig(new Proxy({}, { get: (_environment, name) => void asked.add(String(name)) }));
    const table = /## Configuration\n([^]*?)\n## /.exec(readme())![1]!;
    const named = [...table.matchAll(/^\| (.+?) \|/gm)].flatMap(([, cell]) => [...cell!.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name!));
    expect(named.sort()).toEqual([...asked].sort());
  });

  it('its links lead somewhere', () => {
    const headings = new Set([...readme().matchAll(/^#+ (.+)$/gm)].map(([, title]) => title!.toLowerCase().replaceAll(/[^\w -]/g, '').replaceAll(' ', '-')));
    const files = new Set(filesBelow('.'));
    for (const [, target] of readme().matchAll(/\]\(([^)]+)\)/g)) {
      expect(target!.startsWith('#') ? headings.has(target!.slice(1)) : files.has(target!), target).toBe(true);
    }
  });
});

describe('operations that are shipped', () => {
  it('those of the demo fit the schema', () => {
    for (const operation of Object.values(demoOperations)) expect(faults(operation), operation).toEqual([]);
  });

  it('those of the explorer fit the schema', () => {
    for (const { query } of EXPLORER_OPERATIONS) expect(faults(query), query).toEqual([]);
  });
});

function queryOfCurl(command: string): string {
  const query = /"query": ("(?:[^"\\]|\\.)*")/.exec(command)?.[1];
  if (query === undefined) throw new Error(`No query in: ${command}`);
  return JSON.parse(query) as string;
}

function variablesOf(document: DocumentNode): string[] {
  return document.definitions.flatMap((definition) => ('variableDefinitions' in definition ? (definition.variableDefinitions ?? []).map(({ variable }) => variable.name.value) : []));
}

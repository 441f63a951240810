import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compositionRoot,
  declaredPackages,
  fileLength,
  fileNames,
  importDirection,
  importsExist,
  injectedClock,
  MAX_LINES,
  noCycles,
  plainSyntax,
  protocolIsPure,
  protocolPackages,
  type Rule,
} from '../helpers/architecture-rules.ts';
import { parseSource } from '../helpers/source-file.ts';
import { readRepositoryFile, repositoryFiles, sourceFiles } from '../helpers/source-tree.ts';

const { dependencies, optionalDependencies, devDependencies } = JSON.parse(readRepositoryFile('package.json'));
/** Development dependencies with which code is run, built and tested; the others become part of the package. */
const TOOLS = ['@biomejs/biome', '@types/node', 'fast-check', 'knip', 'node', 'oxc-parser', 'rolldown', 'typescript'];
const runtimePackages = new Set(Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies }));
for (const tool of TOOLS) assert.ok(runtimePackages.delete(tool), `${tool} is no dependency`);
const CLOCK_SOURCES = new Set(['node/clock.ts', 'node/random.ts']);

/** Each rule with modules that break it (one expected finding apiece) and modules that do not. */
const RULES: { name: string; rule: Rule; breaks: Record<string, string>; keeps: Record<string, string> }[] = [
  {
    name: 'imports point from cli to node to protocol',
    rule: importDirection,
    breaks: {
      'protocol/a.ts': `import { b } from '../node/b.ts';`,
      'node/a.ts': `import type { B } from '../cli/b.ts';`,
      'cli/a.ts': `const b = await import('../test/b.ts');`,
      'node/bench/baselines/a.ts': `import { b } from '../../../protocol/b.ts';`,
      'node/bench/baselines/b.ts': `import { b } from '../harness.ts';`,
    },
    keeps: {
      'cli/a.ts': `import { b } from '../protocol/b.ts'; import { c } from '../node/c.ts';`,
      'test/unit/a.ts': `import { b } from '../../cli/b.ts';`,
    },
  },
  {
    name: 'relative imports name an existing module with its extension',
    rule: importsExist,
    breaks: { 'node/a.ts': `import { b } from './b.js';` },
    keeps: { 'node/a.ts': `import { a } from './a.ts'; import { readFile } from 'node:fs';` },
  },
  {
    name: 'protocol imports only its own modules, noble, multiformats and dag-cbor',
    rule: protocolPackages,
    breaks: { 'protocol/a.ts': `import { sep } from 'node:path';`, 'protocol/b.ts': `import { x } from 'libp2p';` },
    keeps: {
      'protocol/a.ts': `import { sha256 } from '@noble/hashes/sha2.js'; import { CID } from 'multiformats/cid';`,
      'node/a.ts': `import { sep } from 'node:path';`,
    },
  },
  {
    name: 'product code imports only packages that package.json names, and no tool',
    rule: declaredPackages(runtimePackages),
    breaks: { 'node/a.ts': `import fc from 'fast-check';` },
    keeps: {
      'node/a.ts': `import { sha256 } from '@noble/hashes/sha2.js';`,
      'test/a.ts': `import fc from 'fast-check';`,
    },
  },
  {
    name: 'protocol has no clock, chance, process or console',
    rule: protocolIsPure,
    breaks: {
      'protocol/a.ts': 'export const a = () => Date.now();',
      'protocol/b.ts': 'export const b = () => new Date();',
      'protocol/c.ts': 'export const c = () => Math.random();',
      'protocol/d.ts': 'export const d = () => performance.timeOrigin;',
      'protocol/e.ts': 'export const e = () => console;',
    },
    keeps: { 'protocol/a.ts': 'export const a = (x: { process: Date }) => new Date(x.process).getTime();' },
  },
  {
    name: 'node takes time and chance from its clock and random modules',
    rule: injectedClock(CLOCK_SOURCES),
    breaks: {
      'node/a.ts': 'setTimeout(() => {}, 1);',
      'node/b.ts': `import { setTimeout } from 'node:timers/promises';`,
      'node/c.ts': 'export const c = AbortSignal.timeout(1);',
    },
    keeps: {
      'node/clock.ts': 'export const now = () => Date.now();',
      'node/a.ts': 'export const a = (clock: { now(): number }) => clock.now();',
      'node/b.ts': `import { setImmediate as turn } from 'node:timers/promises'; await turn();`,
      'cli/a.ts': 'setTimeout(() => {}, 1);',
    },
  },
  {
    name: 'no enum, any, default export, re-export, parameter property or namespace',
    rule: plainSyntax,
    breaks: {
      'node/a.ts': 'export enum A { B }',
      'node/b.ts': 'export const b: any = 1;',
      'node/c.ts': 'export default 1;',
      'node/d.ts': `export * from './b.ts';`,
      'node/e.ts': 'export class E { constructor(readonly x: number) {} }',
      'node/f.ts': 'export namespace F { export const g = 1 }',
    },
    keeps: {
      'node/a.ts': `const a = 1; export { a }; declare module 'fastify' { interface B { c: 1 } }`,
      'node/b.d.ts': 'declare namespace B { type C = 1 }',
    },
  },
  {
    name: 'names are in kebab case and none is index.ts',
    rule: fileNames,
    breaks: { 'node/index.ts': '', 'node/fooBar.ts': '', 'node/Foo/bar.ts': '' },
    keeps: { 'node/foo-bar.ts': '', 'node/foo.d.ts': 'declare namespace Foo {}', 'test/unit/foo-bar.test.ts': '' },
  },
  {
    name: `files have at most ${MAX_LINES} lines`,
    rule: fileLength,
    breaks: { 'node/a.ts': '\n'.repeat(MAX_LINES) },
    keeps: { 'node/a.ts': '\n'.repeat(MAX_LINES - 1) },
  },
  {
    name: 'imports have no cycles',
    rule: noCycles,
    breaks: {
      'node/a.ts': `import { b } from './b.ts';`,
      'node/b.ts': `import type { A } from './c.ts';`,
      'node/c.ts': `import './a.ts';`,
    },
    keeps: { 'node/a.ts': `import './b.ts'; import './c.ts';`, 'node/b.ts': `import './c.ts';`, 'node/c.ts': '' },
  },
  {
    name: 'only node/node.ts and node/compose/ construct services',
    rule: compositionRoot,
    breaks: {
      'node/store/shards.ts': 'export class Shards { start() {} stop() {} }',
      'node/audit/a.ts': `import { Shards as S } from '../store/shards.ts'; new S();`,
    },
    keeps: {
      'node/store/shards.ts': 'export class Shards { start() {} stop() {} }',
      'node/store/a.ts': `import { Shards } from './shards.ts'; new Shards();`,
      'node/node.ts': `import { Shards } from './store/shards.ts'; new Shards(); export class Node { start() {} stop() {} }`,
      'node/compose/a.ts': `import { Shards } from '../store/shards.ts'; new Shards();`,
      'cli/a.ts': `import { Node } from '../node/node.ts'; new Node();`,
    },
  },
];

const files = sourceFiles();
const modules = (texts: Record<string, string>) => Object.entries(texts).map(([path, text]) => parseSource(path, text));
/** These two look at several modules together; the others find one breach in each module of `breaks`. */
const WHOLE_TREE = new Set<Rule>([noCycles, compositionRoot]);

for (const { name, rule, breaks, keeps } of RULES) {
  test(`${name}: the rule tells good from bad`, () => {
    assert.equal(rule(modules(breaks)).length, WHOLE_TREE.has(rule) ? 1 : Object.keys(breaks).length);
    assert.deepEqual(rule(modules(keeps)), []);
  });
  test(name, () => assert.deepEqual(rule(files), []));
}

test('the source tree was found', () => {
  assert.ok(files.some((file) => file.path === 'protocol/constants.ts'));
  assert.ok(files.some((file) => file.path === 'test/unit/architecture.test.ts'));
});

/** Spelt in parts, so that this file does not break its own rule. */
const MACHINE_PATHS = new RegExp(`${['', 'work', ''].join('/')}|registry\\.[a-z]+js`);
const TEXT = /(^|\/)(run|[^/]+\.(ts|js|json|md|yml|yaml|cddl|sh|html|css))$/;

test('no file names a folder of the machine it was written on, or a package registry', () => {
  const named = repositoryFiles().filter((path) => TEXT.test(path) && MACHINE_PATHS.test(readRepositoryFile(path)));
  assert.deepEqual(named, []);
});

test('the lock file has the builds for other platforms: npm ci refuses it otherwise', () => {
  const { packages } = JSON.parse(readRepositoryFile('package-lock.json'));
  const missing = Object.keys(packages).flatMap((path) =>
    Object.keys(packages[path].optionalDependencies ?? {}).filter(
      (name) => !(`node_modules/${name}` in packages || `${path}/node_modules/${name}` in packages),
    ),
  );
  assert.deepEqual(missing, [], 'run scripts/complete-lock.ts');
});

test('the lock file does not say where packages were fetched from', () => {
  const { packages } = JSON.parse(readRepositoryFile('package-lock.json'));
  const resolved = Object.keys(packages).filter((path) => packages[path].resolved !== undefined);
  assert.deepEqual(resolved, []);
});

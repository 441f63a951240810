import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decode } from '@ipld/dag-cbor';
import { DECODERS, readVectors, type StructureVectors, validStructures } from '../../helpers/protocol-codecs.ts';

const cddl = readFileSync(new URL('../../../protocol/holdfast.cddl', import.meta.url), 'utf8').replace(/;.*$/gm, '');

interface Rule {
  readonly mandatory: readonly string[];
  readonly optional: readonly string[];
}

/** The maps of the file: which keys each must and may have. */
const rules = new Map(
  [...cddl.matchAll(/^([a-z0-9-]+) = \{([^}]*)\}/gm)].map(([, name = '', body = '']): [string, Rule] => {
    const keys = [...body.matchAll(/(\? )?\b([a-zA-Z]+): /g)].map(([, mark, key]) => ({ key: key as string, mark }));
    const pick = (isOptional: boolean) =>
      keys.filter(({ mark }) => (mark !== undefined) === isOptional).map(({ key }) => key);
    return [name, { mandatory: pick(false), optional: pick(true) }];
  }),
);

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const RULE_NAMES: Readonly<Record<string, string>> = { reply: 'fault' };
/** Not dag-cbor. */
const FIXED_LAYOUT = new Set(['challenge', 'response', 'shardFrame']);

test('the CDDL file has a rule for every structure', () => {
  for (const structure of Object.keys(DECODERS)) {
    if (!FIXED_LAYOUT.has(structure)) assert.ok(rules.has(RULE_NAMES[structure] ?? kebab(structure)), structure);
  }
});

test('every rule that the CDDL file uses is defined', () => {
  const defined = new Set([...cddl.matchAll(/^([a-z0-9-]+) =/gm)].map(([, name]) => name));
  const builtIn = new Set(['bytes', 'uint', 'tstr', 'bool', 'true', 'size', 'cbor']);
  const bare = cddl.replace(/"[^"]*"/g, '').replace(/\b[a-zA-Z]+: /g, '');
  for (const [name] of bare.matchAll(/[a-z][a-z0-9-]*/g)) assert.ok(defined.has(name) || builtIn.has(name), name);
});

test('every structure of the vectors has the keys of its rule', () => {
  const used = new Set<string>();
  for (const { structure, name, bytes } of validStructures(readVectors<StructureVectors>('structures-v1.json'))) {
    if (name === 'replyOk' || name === 'replyBusy') continue;
    const value = decode<Record<string, unknown>>(structure === 'reply' ? bytes.subarray(1) : bytes);
    const rule = rules.get(RULE_NAMES[structure] ?? kebab(structure)) as Rule;
    const keys = Object.keys(value);
    for (const key of rule.mandatory) assert.ok(keys.includes(key), `${name} lacks ${key}`);
    for (const key of keys) {
      assert.ok(rule.mandatory.includes(key) || rule.optional.includes(key), `${name} has ${key}, its rule does not`);
      used.add(`${structure}.${key}`);
    }
  }
  // An optional key that no vector shows would be a key that nothing checks.
  const unseen = [
    ...new Set(validStructures(readVectors<StructureVectors>('structures-v1.json')).map(({ structure }) => structure)),
  ]
    .flatMap((structure) =>
      (rules.get(RULE_NAMES[structure] ?? kebab(structure)) as Rule).optional.map((key) => `${structure}.${key}`),
    )
    .filter((key) => !used.has(key));
  assert.deepEqual(unseen, []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@ipld/dag-cbor';
import { comparePaths, decodeIndex, encodeIndex, type TreeEntry } from '../../../node/transfer/tree.ts';

const dir = (path: string): TreeEntry => ({ path, type: 'dir', mode: 0o755, mtime: 1 });
const file = (path: string, offset: number, length: number): TreeEntry => ({
  path,
  type: 'file',
  offset,
  length,
  mode: 0o644,
  mtime: -5,
});
const link = (path: string, target: string): TreeEntry => ({ path, type: 'symlink', target, mode: 0o777, mtime: 1 });

const good = [
  dir(''),
  file('a', 0, 3),
  dir('b'),
  link('b/l', '../a'),
  file('b/м', 3, 4),
  dir('b/日本'),
  file('b/日本/x', 7, 0),
];

test('an index comes back as it was', () => {
  assert.deepEqual(decodeIndex(encodeIndex(good), 7), good);
  assert.deepEqual(decodeIndex(encodeIndex([]), 0), []);
});

const raw = (entries: readonly object[], more = {}) => encode({ v: 1, entries, ...more });
const bad: [string, Uint8Array, number, string][] = [
  ['an absolute path', raw([dir('/a')]), 0, 'unsafe-name'],
  ['a path that climbs', raw([dir('..')]), 0, 'unsafe-name'],
  ['a path that climbs inside', raw([dir('a'), dir('a/..')]), 0, 'unsafe-name'],
  ['a dot', raw([dir('.')]), 0, 'unsafe-name'],
  ['an empty name', raw([dir('a'), dir('a//b')]), 0, 'unsafe-name'],
  ['a slash at the end', raw([dir('a'), dir('a/')]), 0, 'unsafe-name'],
  ['a NUL', raw([dir('a\0b')]), 0, 'unsafe-name'],
  ['a file without a name', raw([file('', 0, 0)]), 0, 'unsafe-name'],
  ['a name of 256 bytes', raw([dir('x'.repeat(256))]), 0, 'unsafe-name'],
  ['a duplicate', raw([dir('a'), dir('a')]), 0, 'bad-index'],
  ['a wrong order', raw([dir('b'), dir('a')]), 0, 'bad-index'],
  ['no parent', raw([file('a/b', 0, 0)]), 0, 'bad-index'],
  ['a parent that is a file', raw([file('a', 0, 0), file('a/b', 0, 0)]), 0, 'bad-index'],
  ['a parent that is a link', raw([dir('b'), link('c', 'b'), file('c/x', 0, 0)]), 0, 'bad-index'],
  ['a gap between bodies', raw([file('a', 0, 3), file('b', 4, 1)]), 5, 'bad-index'],
  ['an overlap of bodies', raw([file('a', 0, 3), file('b', 2, 1)]), 3, 'bad-index'],
  ['bodies shorter than the object', raw([file('a', 0, 3)]), 4, 'bad-index'],
  ['a link that is absolute', raw([link('a', '/etc/passwd')]), 0, 'unsafe-name'],
  ['a link that escapes', raw([link('a', '../x')]), 0, 'unsafe-name'],
  ['a link that escapes from below', raw([dir('d'), link('d/a', '../../x')]), 0, 'unsafe-name'],
  ['a link that climbs after descending', raw([dir('d'), link('d/a', 'x/../../y')]), 0, 'unsafe-name'],
  ['an empty link', raw([link('a', '')]), 0, 'unsafe-name'],
  ['a file without a length', raw([{ ...dir('a'), type: 'file', offset: 0 }]), 0, 'bad-index'],
  ['a directory with a body', raw([{ ...dir('a'), offset: 0, length: 0 }]), 0, 'bad-index'],
  ['a file with a target', raw([{ ...file('a', 0, 0), target: 'b' }]), 0, 'bad-index'],
  ['an unknown field', raw([{ ...dir('a'), uid: 0 }]), 0, 'unknown-field'],
  ['another version', encode({ v: 2, entries: [] }), 0, 'unsupported-version'],
  ['a device', raw([{ ...dir('a'), type: 'device' }]), 0, 'bad-field'],
  ['trailing bytes', Buffer.concat([raw([]), Buffer.of(0)]), 0, 'malformed'],
];
for (const [what, bytes, body, code] of bad) {
  test(`refuses ${what}`, () => assert.throws(() => decodeIndex(bytes, body), { code }));
}

test('paths are ordered by their NFC form, and two spellings of one name keep apart', () => {
  const composed = '\u00e9';
  const decomposed = 'e\u0301';
  assert.ok(comparePaths('f', decomposed) < 0, 'the decomposed form sorts as é, behind f');
  assert.notEqual(comparePaths(composed, decomposed), 0);
  const paths = ['z', composed, decomposed, 'a'].sort(comparePaths);
  assert.equal(decodeIndex(encodeIndex(paths.map(dir)), 0).length, 4);
});

test('names may hold what only terminals mind', () => {
  const paths = ['Icon\r', 'line\nbreak', 'tab\there', '\u202eevil'].sort(comparePaths);
  assert.deepEqual(
    decodeIndex(encodeIndex(paths.map(dir)), 0).map(({ path }) => path),
    paths,
  );
});

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as field from '../../../node/scenario/field.ts';
import { parseScenario, readScenario } from '../../../node/scenario/read-scenario.ts';

const day = 86_400_000;
const FORMAT = field.section({
  nodes: field.whole({ min: 1, max: 100 }),
  share: field.optional(field.decimal({ min: 0, max: 1 }), 0.5),
  time: field.optional(field.span({ min: 1000, max: 30 * day }), day),
  size: field.optional(field.bytes({ min: 1, max: 1024 ** 4 }), 1),
  mode: field.optional(field.choice(['fast', 'slow']), 'fast'),
  on: field.optional(field.yesOrNo(), true),
  text: field.optional(field.words(), ''),
  regions: field.optional(
    field.named(field.whole({ min: 1, max: 9 }), { pattern: /^[a-z]+$/, expected: 'small letters', max: 2 }),
    new Map<string, number>(),
  ),
  threshold: field.optional(
    field.either(field.choice(['auto']), field.whole({ min: 0, max: 3 }), 'auto or a number from 0 to 3'),
    'auto',
  ),
  faults: field.optional(
    field.list(
      field.variant(
        { crash: field.section({ node: field.whole({ min: 0, max: 9 }) }), heal: field.choice(['all']) },
        { at: field.span({ min: 0, max: day }) },
      ),
      { max: 2 },
    ),
    [],
  ),
});
const parse = (text: string) => parseScenario(text, 's.yaml', FORMAT);

test('reads what is there and fills in the rest', () => {
  assert.deepEqual(parse('nodes: 3'), {
    nodes: 3,
    share: 0.5,
    time: day,
    size: 1,
    mode: 'fast',
    on: true,
    text: '',
    regions: new Map(),
    threshold: 'auto',
    faults: [],
  });
  const full = parse(
    'nodes: 3\nshare: 1\ntime: 2d\nsize: 2KiB\nmode: slow\non: false\ntext: a b\nregions: {eu: 2}\nthreshold: 2\n' +
      'faults: [{at: 1h, crash: {node: 4}}, {heal: all, at: 2h}]',
  );
  assert.deepEqual([full.time, full.size, full.threshold, full.regions.get('eu')], [2 * day, 2048, 2, 2]);
  assert.deepEqual(full.faults, [
    { kind: 'crash', value: { node: 4 }, at: 3_600_000 },
    { kind: 'heal', value: 'all', at: 7_200_000 },
  ]);
});

const REFUSED: readonly [text: string, key: string, message: RegExp][] = [
  ['', '', /expected a section of keys, found nothing/],
  ['[1]', '', /found a list/],
  ['nodes: [', '', /not valid YAML/],
  ['nodes: 1\nnodes: 2', '', /not valid YAML.*unique/],
  ['nodes: &a 1\nshare: *a', '', /aliases/],
  ['share: 1', 'nodes', /is missing/],
  ['nodes: 3\nnods: 4', 'nods', /unknown key: did you mean nodes/],
  ['nodes: 3\nzzzzzzzzzz: 4', 'zzzzzzzzzz', /unknown key: there are nodes, share/],
  ['nodes: 3\n__proto__: 4', '__proto__', /unknown key/],
  ['nodes: 0', 'nodes', /whole number from 1 to 100, found 0/],
  ['nodes: 1.5', 'nodes', /found 1.5/],
  ['nodes: "3"', 'nodes', /found "3"/],
  ['nodes: .nan', 'nodes', /found null/],
  ['nodes: 3\nshare: .inf', 'share', /from 0 to 1/],
  ['nodes: 3\ntime: 5', 'time', /a time such as 90s/],
  ['nodes: 3\ntime: 400d', 'time', /400d is not from 1 s/],
  ['nodes: 3\nsize: lots', 'size', /a size such as/],
  ['nodes: 3\nmode: medium', 'mode', /one of fast, slow/],
  ['nodes: 3\non: maybe', 'on', /true or false/],
  ['nodes: 3\ntext: "a\\tb"', 'text', /a line of text/],
  ['nodes: 3\nregions: {EU: 1}', 'regions.EU', /small letters/],
  ['nodes: 3\nregions: {eu: 10}', 'regions.eu', /from 1 to 9/],
  ['nodes: 3\nregions: {a: 1, b: 1, c: 1}', 'regions', /at most 2/],
  ['nodes: 3\nthreshold: 4', 'threshold', /auto or a number from 0 to 3/],
  ['nodes: 3\nfaults: {}', 'faults', /expected a list/],
  ['nodes: 3\nfaults: [{at: 1h, crash: {node: 10}}]', 'faults[0].crash.node', /from 0 to 9/],
  ['nodes: 3\nfaults: [{at: 1h, crsh: {node: 1}}]', 'faults[0].crsh', /did you mean crash/],
  ['nodes: 3\nfaults: [{at: 1h}]', 'faults[0]', /exactly one of crash, heal/],
  ['nodes: 3\nfaults: [{crash: {node: 1}}]', 'faults[0].at', /is missing/],
  ['nodes: 3\nfaults: [{at: 1h, heal: all, crash: {node: 1}}]', 'faults[0]', /exactly one/],
  ['nodes: 3\nfaults: [{at: 1h, heal: all}, {at: 1h, heal: all}, {at: 1h, heal: all}]', 'faults', /3 items/],
];

test('names the key that is wrong, in one line', () => {
  for (const [text, key, message] of REFUSED) {
    assert.throws(
      () => parse(text),
      (error: Error & { type?: unknown }) => {
        assert.deepEqual(error.type, { code: 'bad-scenario', path: 's.yaml', key }, text);
        assert.match(error.message, message, text);
        assert.ok(error.message.startsWith(key === '' ? 's.yaml: ' : `s.yaml: ${key}: `));
        assert.ok(!error.message.includes('\n'));
        return true;
      },
    );
  }
});

test('files: read within bounds, or told why not', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-scenario-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'a.yaml');
  await writeFile(path, 'nodes: 7');
  assert.equal((await readScenario(path, FORMAT)).nodes, 7);
  const refused = async (of: string, message: RegExp) =>
    assert.rejects(readScenario(of, FORMAT), { type: { code: 'unreadable-scenario', path: of }, message });
  await refused(join(folder, 'none.yaml'), /cannot be read \(ENOENT\): name a scenario file/);
  await refused(folder, /is not a file|EISDIR/);
  await writeFile(path, `# ${'x'.repeat(1024 * 1024)}`);
  await refused(path, /bytes, and a scenario at most/);
  await writeFile(path, Buffer.from([0x6e, 0xff]));
  await refused(path, /not UTF-8/);
});

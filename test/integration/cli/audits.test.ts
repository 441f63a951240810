import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { auditExport } from '../../../protocol/audit-export.ts';
import { fromHex } from '../../../protocol/bytes.ts';
import { readVectors, type StructureVectors } from '../../helpers/protocol-codecs.ts';
import { signerOf } from '../../helpers/signers.ts';
import { folders, folderWithNode } from './cli-fixture.ts';

const vectors = readVectors<StructureVectors>('structures-v1.json');
const receiptOf = (name: string): Uint8Array => fromHex(vectors.audit.answers[name]?.receipt as string);
const roots = [fromHex(vectors.manifest.root)];
const segments = [fromHex(vectors.segment.bytes)];

const PEER = peerIdFromKey(signerOf('holder').publicKey);
const entry = (n: number) => ({
  id: n.toString(16).padStart(64, '0'),
  at: 1_700_000_000_000 - n,
  peer: n % 2 === 0 ? PEER : '12D3KooWB',
  role: 'auditor' as const,
  outcome: n % 2 === 0 ? 'passed' : 'timed-out',
  final: n !== 3,
  shards: n,
  milliseconds: 12.5,
  receipt: n % 2 === 0,
  ...(n % 2 === 0 ? {} : { detail: 'no answer' }),
});

test('past audits are listed over all pages, by peer, and shown', async (t) => {
  const { run, services } = await folderWithNode(t);
  services.auditEntries = Array.from({ length: 1100 }, (_, i) => entry(i));
  const all = await run(['audit', 'ls', '--limit', '2000', '--json']);
  assert.equal(all.code, 0, all.stderr);
  assert.deepEqual(JSON.parse(all.stdout).audits, services.auditEntries);
  const some = await run(['audit', 'ls', '-q', '--peer', PEER, '--limit', '3']);
  assert.deepEqual(
    some.stdout.trim().split('\n'),
    [0, 2, 4].map((n) => entry(n).id),
  );
  assert.match((await run(['audit', 'ls', '--limit', '2'])).stdout, /timed-out +1 shard +13 ms +0{63}1 +no answer/);
  const contained = (await run(['audit', 'ls', '--limit', '4'])).stdout.split('\n')[3];
  assert.match(contained ?? '', /\(timed-out, not counted\) +3 shards/);
  const shown = await run(['audit', 'show', entry(7).id]);
  assert.match(shown.stdout, /detail +no answer\n/);
  assert.match(shown.stdout, /covers +6 shards of bafyroot, segment bafysegment/);
  assert.equal((await run(['audit', 'show', 'f'.repeat(64)])).code, 1);
  assert.equal((await run(['audit', 'show', 'short'])).code, 64);
  const schedule = await run(['audit', 'schedule']);
  assert.match(
    schedule.stdout,
    /12D3KooWA +3 of 6 shards asked +cycle 2 +next 2023-11-14T22:14:20Z +suspicion 0.5 +1 unanswered/,
  );
});

test('audit run says by its exit code what it found', async (t) => {
  const { run, services } = await folderWithNode(t);
  for (const [outcome, code] of [
    ['passed', 0],
    ['declared-lost', 3],
    ['invalid-proof', 5],
  ] as const) {
    services.auditOutcome = outcome;
    const { code: exit, stdout } = await run(['audit', 'run', '-q']);
    assert.deepEqual([exit, stdout], [code, `${outcome}\n`]);
  }
});

test('a receipt is written to a file, not over another one, and is checked there without a node', async (t) => {
  const { run, work, services } = await folderWithNode(t);
  services.auditEntries = [entry(2)];
  services.receiptFile = auditExport.encode({ receipt: receiptOf('passed'), roots, segments });
  const { id } = entry(2);
  const written = await run(['audit', 'show', id, '--export', 'r', '-q']);
  assert.deepEqual([written.code, written.stdout], [0, 'r\n']);
  assert.deepEqual(new Uint8Array(await readFile(join(work, 'r'))), services.receiptFile);
  assert.equal((await run(['audit', 'show', id, '--export', 'r'])).code, 1);
  assert.equal((await run(['audit', 'ls', '--peer', 'garbage'])).code, 64);
  assert.equal((await run(['audit', 'show', id, '--export', 'r', '--force', '--no-manifest'])).code, 0);
  assert.deepEqual(services.receiptsAsked, [
    [id, true],
    [id, false],
  ]);
  const checked = await run(['receipt', 'verify', 'r', '--home', join(work, 'no-home')]);
  assert.equal(checked.code, 0, checked.stderr);
  assert.match(checked.stdout, /^passed +the holder proved that it had all of these shards\nholder +12D3KooW/);
});

test('what a receipt shows decides the exit code', async (t) => {
  const { run, work } = await folders(t);
  const passed = receiptOf('passed');
  // The vectors hold no failed proof: a signed opening of something else is made by changing what it is checked against.
  const files: Record<string, Uint8Array> = {
    passed: auditExport.encode({ receipt: passed, roots, segments }),
    lost: auditExport.encode({ receipt: receiptOf('partlyMissing'), roots, segments }),
    released: auditExport.encode({ receipt: receiptOf('released'), roots, segments }),
    forged: auditExport.encode({ receipt: passed.with(200, (passed[200] as number) ^ 1), roots, segments }),
    alone: auditExport.encode({ receipt: passed, roots: [], segments: [] }),
    bare: passed,
    manifest: auditExport.encode({ roots, segments }),
    nothing: new Uint8Array(0),
    text: Buffer.from('not a receipt'),
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(work, name), bytes);
  const cases: (readonly [args: string[], code: number, out: RegExp])[] = [
    [['lost'], 3, /^declared-lost$/m],
    [['released'], 3, /^released$/m],
    [['forged'], 5, /^forged$/m],
    [['alone'], 1, /give its manifest with --manifest/],
    [['bare', '--manifest', 'manifest'], 0, /^passed$/m],
    // Only what is given with --manifest counts.
    [['passed', '--manifest', 'alone'], 1, /--manifest/],
    [['manifest'], 1, /holds manifests but no receipt/],
    [['nothing'], 1, /is not the receipt of an audit/],
    [['text'], 1, /is not the receipt of an audit/],
    [['no-such-file'], 1, /does not exist/],
    [[], 64, /missing/],
  ];
  for (const [args, code, out] of cases) {
    const result = await run(['receipt', 'verify', '-q', ...args]);
    assert.equal(result.code, code, `${args.join(' ')}: ${result.stderr}`);
    assert.match(result.stdout + result.stderr, out);
  }
  const json = JSON.parse((await run(['receipt', 'verify', 'forged', '--json'])).stdout);
  assert.equal(json.valid, false);
});

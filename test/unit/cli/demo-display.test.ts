import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demoExitCode } from '../../../cli/commands/testnet-demo.ts';
import type { CommandContext } from '../../../cli/context.ts';
import { DemoDisplay } from '../../../cli/demo-display.ts';
import { describeDemo } from '../../../cli/demo-text.ts';
import type { DemoReport, TamperedShard } from '../../../node/lab/demo-report.ts';

const damaged: TamperedShard = { node: 4, segment: 'bafk', index: 7, outcome: 'declared-lost', named: true };
const dishonest: TamperedShard = { node: 5, segment: 'bafk', index: 3, outcome: 'invalid-proof', named: true };
const tamper = {
  damaged,
  dishonest,
  honest: [{ node: 6, outcome: 'passed', shards: 9, milliseconds: 5 }],
  detected: true,
} as const;
const held: DemoReport = {
  ok: true,
  file: 'a\u001b[31mfile',
  fileBytes: 1024 * 1024,
  nodes: 7,
  code: { name: 'fr-lagrange', k: 4, m: 2 },
  stripes: 3,
  shards: 15,
  storedBytes: 15 * 131_072,
  overhead: 1.875,
  root: 'bafy',
  seconds: { start: 1, add: 2, audit: 0.5, stop: 0, get: 0.25, tamper: 1, total: 4.75 },
  bytesMoved: { start: 0, add: 2_000_000, audit: 5000, stop: 0, get: 1_100_000, tamper: 9000 },
  holders: 6,
  stoppedNodes: 2,
  stopped: [2, 3],
  reader: 7,
  identical: true,
  audits: {
    passed: 6,
    failed: 0,
    shards: 15,
    proofBytes: 480,
    holders: [{ node: 2, outcome: 'passed', shards: 3, milliseconds: 100 }],
  },
  tamperDetected: true,
  tamper,
  warnings: [],
};

function screen(more: Partial<CommandContext> & { tty?: boolean }) {
  let text = '';
  let now = 0;
  const stderr = {
    isTTY: more.tty ?? false,
    columns: 80,
    write: (part: string) => {
      text += part;
    },
  } as unknown as NodeJS.WriteStream;
  const context = { json: false, quiet: false, progress: false, ...more, stderr } as CommandContext;
  const display = new DemoDisplay(context, () => now);
  return { display, text: () => text, pass: (ms: number) => (now += ms) };
}

function play({ display, pass }: ReturnType<typeof screen>): void {
  display.show({ kind: 'began', phase: 'get' });
  pass(2000);
  display.show({ kind: 'progress', phase: 'get', unit: 'bytes', done: 512 * 1024, total: 1024 * 1024 });
  pass(2000);
  display.log('somebody speaks\n');
  display.show({
    kind: 'ended',
    phase: 'get',
    seconds: 4,
    bytesMoved: 9,
    reader: 7,
    fileBytes: 1024 * 1024,
    identical: true,
  });
  display.end();
}

const LINE = '✓ peer 7 fetched the file: identical, byte by byte (4.0 s, 256 KiB/s)\n';

test('without a terminal each phase is one line, and nothing steers it', () => {
  const plain = screen({});
  play(plain);
  assert.equal(plain.text(), `somebody speaks\n${LINE}`);
});

test('with -q, and for programs, no phase is shown', () => {
  for (const options of [{ quiet: true }, { quiet: true, tty: true }, { json: true }]) {
    const silent = screen(options);
    play(silent);
    assert.equal(silent.text(), 'somebody speaks\n');
  }
});

test('on a terminal a live line shows bar, rate and time, and is gone at the end', () => {
  const live = screen({ tty: true, progress: true });
  play(live);
  const drawn = live.text().split('\r\u001b[2K');
  assert.ok(drawn.includes('[5/6] fetching … 0s'));
  const bar = drawn.find((line) => line.includes('█'));
  assert.match(bar ?? '', /^\[5\/6\] fetching █+░+ {2}50% {2}512 KiB of 1\.0 MiB {2}128 KiB\/s/);
  assert.ok((bar ?? '').length < 80);
  assert.equal(drawn.at(-1), LINE);
});

test('the report names what was found, and what was not', () => {
  const good = describeDemo(held);
  assert.match(good, /^file +a\uFFFD\[31mfile, 1\.0 MiB$/m);
  assert.match(good, /^audit +6 of 6 audits passed: 480 bytes of proof for 15 shards/m);
  assert.match(good, /^flipped bit +shard 7 on peer 4: the peer noticed/m);
  assert.match(good, /^false proof +shard 3 on peer 5: the proof failed, bisection named that shard$/m);
  assert.match(good, /ok: everything held$/);

  const bad = describeDemo({
    ...held,
    ok: false,
    identical: false,
    differsAt: 77,
    audits: {
      ...held.audits,
      passed: 5,
      failed: 1,
      holders: [{ node: 3, outcome: 'timed-out', shards: 3, milliseconds: 1 }],
    },
    tamper: {
      damaged: { ...damaged, outcome: 'passed', named: false },
      dishonest: { ...dishonest, named: false },
      honest: [{ node: 6, outcome: 'unreachable', shards: 9, milliseconds: 5 }],
      detected: false,
    },
  });
  assert.match(bad, /^get +by peer 7: it DIFFERS from byte 77 on/m);
  assert.match(bad, /^flipped bit +shard 7 on peer 4: NOT found, the audit says passed$/m);
  assert.match(bad, /^false proof +shard 3 on peer 5: invalid-proof, but NOT exactly that shard$/m);
  assert.match(bad, /^others +peer 6 is honest, the audit says unreachable$/m);
  assert.match(bad, /^ +peer 3: timed-out \(3 shards\)$/m);
  assert.match(bad, /FAILED: see above$/);
});

test('the exit code tells an integrity failure from any other', () => {
  const audits = (outcome: 'timed-out' | 'invalid-proof') => ({
    ...held.audits,
    failed: 1,
    holders: [{ node: 2, outcome, shards: 1, milliseconds: 1 }],
  });
  assert.equal(demoExitCode(held), 0);
  assert.equal(demoExitCode({ ...held, ok: false, audits: audits('timed-out') }), 1);
  assert.equal(demoExitCode({ ...held, ok: false, audits: audits('invalid-proof') }), 5);
  assert.equal(demoExitCode({ ...held, ok: false, identical: false }), 5);
  assert.equal(demoExitCode({ ...held, ok: false, tamperDetected: false }), 5);
});

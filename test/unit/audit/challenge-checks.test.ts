import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAddress, checkSize } from '../../../node/audit/challenge-checks.ts';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import type { Challenge } from '../../../protocol/challenge.ts';
import { nodeCid } from '../../../protocol/cid.ts';

const key = (fill: number) => new Uint8Array(32).fill(fill);
const NOW = 1_700_000_000_000;
const MINUTE = 60_000;
const place = { network: key(1), prover: key(2), auditor: key(3), now: NOW };
const challenge: Challenge = {
  network: key(1),
  prover: key(2),
  auditor: key(3),
  setDigest: key(4),
  count: 8,
  nonce: key(5),
  issuedAt: NOW,
  deadlineMs: MINUTE,
};

const entry = (shards: number) => ({
  segment: nodeCid(Uint8Array.of(1)),
  indices: bitmapOf(Array.from({ length: shards }, (_, i) => i)),
  receipt: new Uint8Array(1),
});

test('a challenge is of this network, for this node, by who asks', () => {
  checkAddress(challenge, place);
  const cases = [
    ['other-network', { network: key(9) }],
    ['not-addressed', { prover: key(9) }],
    ['not-auditor', { auditor: key(9) }],
  ] as const;
  for (const [code, change] of cases) assert.throws(() => checkAddress({ ...challenge, ...change }, place), { code });
});

test('a challenge lives until its deadline and the skew of two clocks, ten minutes at most', () => {
  const issued = (ago: number, deadlineMs = MINUTE) => ({ ...challenge, issuedAt: NOW - ago, deadlineMs });
  for (const ago of [3 * MINUTE, -2 * MINUTE]) checkAddress(issued(ago), place);
  checkAddress(issued(12 * MINUTE, 2 ** 32 - 1), place);
  for (const ago of [3 * MINUTE + 1, -2 * MINUTE - 1]) {
    assert.throws(() => checkAddress(issued(ago), place), { code: 'stale' });
  }
  assert.throws(() => checkAddress(issued(12 * MINUTE + 1, 2 ** 32 - 1), place), { code: 'stale' });
});

test('what is counted fits what is named, and both fit one audit', () => {
  checkSize(challenge, [entry(8)]);
  checkSize({ count: 8 } as Challenge, [entry(7), entry(7)]);
  checkSize({ count: 16_384 } as Challenge, [entry(16_384)]);
  assert.throws(() => checkSize(challenge, [entry(7)]), { code: 'wrong-count' });
  assert.throws(() => checkSize(challenge, [entry(16_384), entry(1)]), { code: 'too-many-shards' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeaseKeeper } from '../../../node/holdings/lease-keeper.ts';
import type { AnsweringHolder } from '../../../node/holdings/other-holders.ts';
import { silentLogger } from '../../../node/log.ts';
import { bitmapIndices, bitmapOf } from '../../../protocol/bitmap.ts';
import { MAX_CLOCK_SKEW_MS } from '../../../protocol/constants.ts';
import type { Root } from '../../../protocol/manifest.ts';
import type { StoreReceipt } from '../../../protocol/store-receipt.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { cidOf } from '../../helpers/store-home.ts';

const DAY = 24 * 60 * 60 * 1000;
const LEASE_MS = 30 * DAY;
const SELF = new Uint8Array(32).fill(1);
const OTHER = new Uint8Array(32).fill(2);
const [ROOT, SEGMENT] = [cidOf('root'), cidOf('segment')];

/** A node with one promise for shards 0 and 1, and what it hears from others. */
function keeper() {
  const clock = new ManualClock();
  const promise = (indices: readonly number[]) => {
    const issuedAt = clock.now();
    const unsigned = { network: SELF, holder: SELF, owner: OTHER, root: ROOT, segment: SEGMENT };
    return { ...unsigned, indices: bitmapOf(indices), issuedAt, expiresAt: issuedAt + LEASE_MS, sig: SELF };
  };
  const state = {
    receipt: promise([0, 1]) as StoreReceipt | undefined,
    /** Ends that are remembered. */
    ends: [clock.now() + LEASE_MS],
    others: [] as AnsweringHolder[],
    /** Shards that others say to have and do not. */
    missing: new Set<number>(),
    read: 0,
    failing: false,
    stalling: false,
    asked: 0,
    renewed: [] as number[][],
    /** Whether the others know of a release. */
    released: false,
    ended: [] as number[],
    /** A crash came when the shards were let go, and before their receipt was. */
    gone: false,
    /** What only the first promise covers. */
    leftover: [] as number[],
  };
  const made = new LeaseKeeper({
    self: SELF,
    receipts: {
      async *ends(until) {
        for (const at of [...state.ends]) if (at <= until) yield { at, root: ROOT, segment: SEGMENT };
      },
      get: async () => state.receipt,
    },
    roots: { root: async () => ({}) as Root },
    others: {
      async ofSegment(_cid, _root, _segment, signal) {
        state.asked++;
        if (state.stalling) await clock.sleep(Number.MAX_SAFE_INTEGER, signal);
        if (state.failing) throw new Error('no network');
        return state.others;
      },
    },
    copies: {
      async confirmed(segment, ids) {
        assert.equal(segment, SEGMENT);
        state.read++;
        return new Set([...ids.keys()].filter((index) => !state.missing.has(index)));
      },
    },
    releases: {
      async obeyed() {
        if (state.released) state.receipt = undefined;
        return state.released;
      },
    },
    holdings: {
      idsOf: async () => new Map([0, 1].map((index) => [index, SELF])),
      async renew(receipt, indices) {
        assert.equal(receipt, state.receipt);
        if (state.gone) return undefined;
        state.renewed.push(bitmapIndices(indices));
        state.receipt = promise(bitmapIndices(indices));
        state.ends.push(state.receipt.expiresAt);
        return state.receipt;
      },
      leftover: async () => bitmapOf(state.leftover),
      async ended({ at }) {
        state.ended.push(at);
        state.ends = state.ends.filter((end) => end !== at);
        if (state.receipt?.expiresAt === at) state.receipt = undefined;
      },
    },
    leaseMs: LEASE_MS,
    clock,
    log: silentLogger,
  });
  const unlimited = (indices: readonly number[]) => ({
    peer: 'other',
    holder: OTHER,
    indices: bitmapOf(indices),
    signed: bitmapOf(indices),
    expiresAt: 0,
  });
  return { made, clock, state, unlimited };
}

test('a promise that is needed is renewed when a third of it is left, without anybody asking', async () => {
  const { made, clock, state } = keeper();
  made.start();
  await clock.advance(20 * DAY - 1);
  assert.deepEqual([state.asked, state.renewed], [0, []]);
  await clock.advance(DAY);
  assert.deepEqual([state.asked, state.renewed], [1, [[0, 1]]]);
  // And again, while the ends of earlier ones are only gone through.
  await clock.advance(30 * DAY);
  assert.deepEqual([state.renewed.length, state.ended.length], [2, 2]);
  assert.ok((state.receipt?.expiresAt ?? 0) > clock.now());
  await made.stop();
  assert.equal(clock.sleeping, 0);
});

test('what another keeps until its release is left to end, and let go only when others cannot believe in it', async () => {
  const { made, clock, state, unlimited } = keeper();
  const [end] = state.ends as [number];
  state.others = [unlimited([0, 1])];
  made.start();
  await clock.advance(30 * DAY + MAX_CLOCK_SKEW_MS - 1);
  assert.deepEqual([state.renewed, state.ended], [[], []]);
  // Asked about once a day in the last ten days, and once more before it goes.
  assert.ok(state.asked >= 10 && state.asked <= 12, String(state.asked));
  // Nothing is read before it matters.
  assert.equal(state.read, 0);
  await clock.advance(2 * 60 * 60 * 1000);
  assert.deepEqual([state.renewed, state.ended, state.read], [[], [end], 1]);
  await made.stop();
});

test('a receipt alone ends no promise: what its holder does not serve is promised again', async () => {
  const { made, clock, state, unlimited } = keeper();
  state.others = [unlimited([0, 1])];
  state.missing = new Set([1]);
  made.start();
  await clock.advance(30 * DAY + MAX_CLOCK_SKEW_MS + 2 * 60 * 60 * 1000);
  assert.deepEqual([state.renewed, state.ended[1]], [[[1]], undefined]);
  await made.stop();
});

test('a shard that another says to have is dropped from a renewal only when it was read there', async () => {
  const { made, clock, state, unlimited } = keeper();
  state.others = [unlimited([1])];
  state.missing = new Set([1]);
  made.start();
  await clock.advance(21 * DAY);
  assert.deepEqual(state.renewed, [[0, 1]]);
  await made.stop();
});

test('when the other one goes before the end, the promise is renewed after all', async () => {
  const { made, clock, state, unlimited } = keeper();
  state.others = [unlimited([0, 1])];
  made.start();
  await clock.advance(30 * DAY - 1);
  state.others = [];
  await clock.advance(2 * 60 * 60 * 1000);
  assert.deepEqual(state.renewed, [[0, 1]]);
  assert.ok((state.receipt?.expiresAt ?? 0) > clock.now());
  await made.stop();
});

test('only the shards that are needed are promised again', async () => {
  const { made, clock, state, unlimited } = keeper();
  state.others = [unlimited([1])];
  made.start();
  await clock.advance(21 * DAY);
  assert.deepEqual(state.renewed, [[0]]);
  await made.stop();
});

test('what a renewal dropped is promised again at its old end when the other copy is gone by then', async () => {
  const { made, clock, state, unlimited } = keeper();
  state.others = [unlimited([1])];
  state.leftover = [1];
  made.start();
  await clock.advance(21 * DAY);
  assert.deepEqual(state.renewed, [[0]]);
  state.others = [];
  await clock.advance(9 * DAY + MAX_CLOCK_SKEW_MS + 2 * 60 * 60 * 1000);
  assert.deepEqual(state.renewed, [[0], [0, 1]]);
  await made.stop();
});

test('before it renews a promise it asks whether the owner released the object meanwhile', async () => {
  const { made, clock, state } = keeper();
  state.released = true;
  made.start();
  await clock.advance(21 * DAY);
  assert.deepEqual([state.renewed, state.receipt], [[], undefined]);
  await made.stop();
});

test('a node that was off and cannot ask lets nothing go and promises all again', async () => {
  const { made, clock, state } = keeper();
  clock.skew(40 * DAY);
  state.failing = true;
  made.start();
  await clock.advance(60 * 60 * 1000);
  assert.deepEqual([state.renewed, state.ended.length], [[[0, 1]], 0]);
  await made.stop();
});

test('peers that stall cannot keep a promise from being renewed in time', async () => {
  const { made, clock, state } = keeper();
  state.stalling = true;
  made.start();
  await clock.advance(24 * DAY);
  assert.deepEqual(state.renewed, []);
  await clock.advance(4 * DAY);
  assert.deepEqual(state.renewed, [[0, 1]]);
  await made.stop();
});

test('an end of what was released, or promised for longer, is only gone through', async () => {
  const { made, clock, state } = keeper();
  const [end] = state.ends as [number];
  state.receipt = undefined;
  made.start();
  await clock.advance(31 * DAY);
  assert.deepEqual([state.asked, state.renewed, state.ended], [0, [], [end]]);
  await made.stop();
});

test('an end that a crash interrupted is finished, though nobody else has the shards', async () => {
  const { made, clock, state } = keeper();
  const [end] = state.ends as [number];
  state.gone = true;
  made.start();
  await clock.advance(30 * DAY + MAX_CLOCK_SKEW_MS - 1);
  assert.deepEqual(state.ended, []);
  await clock.advance(2 * 60 * 60 * 1000);
  assert.deepEqual([state.renewed, state.ended], [[], [end]]);
  await made.stop();
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../node/log.ts';
import type { ObjectReport } from '../../../node/repair/object-check.ts';
import { Watcher } from '../../../node/repair/watcher.ts';
import type { Guarded } from '../../../node/store/guarded-root-store.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { cidOf } from '../../helpers/store-home.ts';

const INTERVAL_MS = 10_000;
const TURN_MS = 1_000;
const root = cidOf('root');

/** A holder of an object that needs a repair, with nine others before it. */
function holder(state: {
  released: boolean;
  isFirst?: boolean;
  whole?: boolean;
  forgetting?: () => Promise<void>;
  ownerThere?: boolean;
  hanging?: boolean;
  alone?: boolean;
}) {
  const clock = new ManualClock();
  const guarded = new Map<string, Guarded>();
  const told: string[] = [];
  const repaired: number[] = [];
  const asked: number[] = [];
  const looks: number[] = [];
  const plan = { rebuild: [0], spread: [], stripes: [0], impossible: [], daysToLoss: 1, margin: 0 };
  const report = (): ObjectReport => ({
    rank: { turn: state.isFirst === undefined ? 9 : 0, isFirst: state.isFirst ?? false, others: [] },
    owner: 'owner',
    needs: state.whole ? [] : [{ position: 0, segment: cidOf('segment'), plan }],
    holders: new Set(),
    nextGone: undefined,
  });
  const watcher = new Watcher({
    objects: {
      async *all() {
        yield root;
      },
      isOwn: async () => false,
      holds: async () => !state.released,
    },
    guarded: {
      has: async (cid) => guarded.has(cid.toString()),
      get: async (cid) => guarded.get(cid.toString()),
      put: async (cid, value) => void guarded.set(cid.toString(), value),
      remove: async (cid) => void guarded.delete(cid.toString()),
    },
    forget: async () => state.forgetting?.(),
    onGuarded: (cid) => void told.push(cid.toString()),
    check: {
      async run() {
        looks.push(clock.monotonic());
        return report();
      },
    },
    leases: { until: () => undefined, settled: () => undefined },
    releases: {
      async obeyed() {
        asked.push(clock.monotonic());
        if (state.hanging) return new Promise(() => undefined);
        return state.released;
      },
    },
    isConnected: (peer) => peer === 'owner' && state.ownerThere === true,
    own: {
      get isAlone() {
        return state.alone === true;
      },
      ms: () => 0,
    },
    rates: { watch: async () => undefined },
    repair: () => void repaired.push(clock.monotonic()),
    onImpossible: () => undefined,
    clock,
    random: (count) => new Uint8Array(count),
    log: silentLogger,
    intervalMs: INTERVAL_MS,
    turnMs: TURN_MS,
  });
  return { watcher, clock, guarded, repaired, asked, told, looks };
}

test('a holder acts after its turn and goes on guarding, however many rank before it', async (t) => {
  const state: { released: boolean; isFirst?: boolean } = { released: false };
  const { watcher, clock, guarded, repaired, told } = holder(state);
  watcher.start();
  t.after(() => watcher.stop());
  for (let step = 0; step < 16; step++) await clock.advance(TURN_MS / 2);
  assert.deepEqual([repaired.length, guarded.size], [0, 1]);
  for (let step = 0; step < 8; step++) await clock.advance(TURN_MS / 2);
  assert.ok(repaired.length > 0);
  assert.equal(guarded.size, 1);
  const isFirst = () => guarded.get(root.toString())?.first;
  assert.deepEqual([isFirst(), told], [false, [root.toString()]]);
  told.length = 0;
  // Those before it went; then they are back.
  for (const first of [true, false]) {
    state.isFirst = first;
    watcher.look(root);
    await clock.advance(TURN_MS / 2);
    assert.deepEqual([isFirst(), told], [first, [root.toString()]]);
  }
});

test('when a holder is missing, those behind the first guardians look after these had their turn', async (t) => {
  for (const [isFirst, after] of [
    [true, 0],
    [undefined, 9 * TURN_MS],
  ] as const) {
    const { watcher, clock, looks } = holder({
      released: false,
      whole: true,
      ...(isFirst === undefined ? {} : { isFirst }),
    });
    watcher.start();
    t.after(() => watcher.stop());
    await clock.advance(1);
    watcher.look(root);
    await clock.advance(1);
    assert.ok(looks.length > 0);
    looks.length = 0;
    const at = clock.monotonic() + TURN_MS / 2;
    watcher.holderMissing(root, at);
    for (let step = 0; step < 40 && looks.length === 0; step++) await clock.advance(TURN_MS / 4);
    assert.equal(looks[0], at + after);
  }
});

test('what its owner released while this node was away is forgotten, not repaired', async (t) => {
  const state = { released: false };
  const { watcher, clock, guarded, repaired, asked } = holder(state);
  watcher.start();
  t.after(() => watcher.stop());
  for (let step = 0; step < 4; step++) await clock.advance(TURN_MS / 2);
  assert.deepEqual([asked.length > 0, guarded.size], [true, 1]);
  state.released = true;
  for (let step = 0; step < 40; step++) await clock.advance(TURN_MS / 2);
  assert.deepEqual([repaired, guarded.size, watcher.size], [[], 0, 0]);
});

test('what could not be forgotten is forgotten later, and is guarded until then', async (t) => {
  let failures = 2;
  const forgetting = async () => {
    if (failures-- > 0) throw new Error('disk');
  };
  const state = { released: false, forgetting };
  const { watcher, clock, guarded } = holder(state);
  watcher.start();
  t.after(() => watcher.stop());
  for (let step = 0; step < 4; step++) await clock.advance(TURN_MS / 2);
  state.released = true;
  watcher.look(root);
  for (let step = 0; step < 4; step++) await clock.advance(TURN_MS / 2);
  assert.deepEqual([failures, guarded.size, watcher.size], [1, 1, 1]);
  for (let step = 0; step < 60; step++) await clock.advance(TURN_MS / 2);
  assert.deepEqual([failures, guarded.size, watcher.size], [-1, 0, 0]);
});

test('nobody is asked for a release while the owner is there, and the search holds up nothing for long', async (t) => {
  const state = { released: false, isFirst: true, ownerThere: true, hanging: true };
  const { watcher, clock, repaired, asked } = holder(state);
  watcher.start();
  t.after(() => watcher.stop());
  await clock.advance(TURN_MS);
  assert.deepEqual([asked.length, repaired.length > 0], [0, true]);
  state.ownerThere = false;
  repaired.length = 0;
  watcher.look(root);
  await clock.advance(TURN_MS);
  assert.deepEqual([asked.length, repaired.length], [1, 0]);
  await clock.advance(2 * 60_000);
  assert.ok(repaired.length > 0);
});

test('while this node has no peer at all, nothing is looked at', async (t) => {
  const state = { released: false, isFirst: true, alone: true };
  const { watcher, clock, looks, repaired } = holder(state);
  watcher.start();
  t.after(() => watcher.stop());
  for (let step = 0; step < 8; step++) await clock.advance(INTERVAL_MS / 2);
  assert.deepEqual([looks, repaired], [[], []]);
  state.alone = false;
  watcher.look(root);
  await clock.advance(TURN_MS);
  assert.ok(looks.length > 0 && repaired.length > 0);
});

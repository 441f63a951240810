import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CID } from 'multiformats/cid';
import { CYCLE_START, isCycleEnd, RARE_CYCLES, rankOf } from '../../../node/audit/cycle-order.ts';
import { HolderShards } from '../../../node/audit/holder-shards.ts';
import type { Selection } from '../../../node/audit/selection.ts';
import { UnusableParts } from '../../../node/audit/unusable-parts.ts';
import { LoadedSegment } from '../../../node/manifest/loaded-segment.ts';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import type { CycleState, SetPart } from '../../../node/store/audit-schedule-store.ts';
import { StoreError } from '../../../node/store/errors.ts';
import { replicaCode } from '../../../protocol/codes/replica.ts';
import { type StoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { stream } from '../../helpers/sample-object.ts';
import { holder, owner, sampleSegment } from './sample-selection.ts';

const HOLDER = peerIdFromKey(holder.publicKey);
const { signal } = new AbortController();

/** Three of them fill a challenge. */
class HeavySegment extends LoadedSegment {
  override get weight(): number {
    return 8 * 1024 * 1024;
  }
}

const SAMPLES = Array.from({ length: 12 }, (_, i) => {
  const { segment, receipt } = sampleSegment(`file ${i}`, 1 + (i % 4));
  const { rootCid, root, cid } = segment;
  return { receipt, segment: new HeavySegment({ rootCid, root, cid, segment: segment.segment, code: replicaCode() }) };
});
type Sample = (typeof SAMPLES)[number];

const nameOf = (root: CID, segment: CID): string => `${root} ${segment}`;

function shardsOf(
  held: Sample[],
  changes: {
    watched?: (root: CID) => boolean;
    guarded?: (root: CID) => boolean;
    receipts?: Map<string, StoreReceipt>;
    onScan?: () => void;
    clock?: ManualClock;
    unusable?: UnusableParts;
    load?: (sample: Sample) => Promise<LoadedSegment | undefined>;
    kept?: readonly Sample[];
  } = {},
) {
  const { watched = () => true, guarded = watched, receipts, onScan, clock = new ManualClock() } = changes;
  const { unusable = new UnusableParts(), load = async ({ segment }) => segment, kept = [] } = changes;
  const find = (root: CID, segment: CID) =>
    held.find(({ receipt }) => nameOf(receipt.root, receipt.segment) === nameOf(root, segment));
  return new HolderShards({
    self: owner.publicKey,
    watched: { has: async (root) => guarded(root), audits: async (root) => watched(root) },
    receipts: {
      holders: async (root) => (held.some(({ receipt }) => receipt.root.equals(root)) ? [HOLDER] : []),
      async *allHolders() {
        yield holder.publicKey;
      },
      async *segmentsOf() {
        onScan?.();
        for (const { receipt } of held) yield { root: receipt.root, segment: receipt.segment };
      },
      async get(root, segment) {
        const name = nameOf(root, segment);
        return receipts?.get(name) ?? find(root, segment)?.receipt;
      },
    },
    segments: {
      async load(root, segment) {
        const sample = find(root, segment);
        return sample === undefined ? undefined : load(sample);
      },
    },
    kept: {
      async load(root, segment) {
        const sample = find(root, segment);
        return sample !== undefined && kept.includes(sample) ? sample.segment : undefined;
      },
    },
    unusable,
    clock,
  });
}

function cycleOf(seed: Uint8Array, number = 1): CycleState {
  return { number, seed, startedAt: 0, shards: 0, asked: 0, restUntil: 0, ...CYCLE_START };
}

const namesOf = (selection: Selection): string[] =>
  selection.name(selection.ids).map(({ root, segment, index }) => `${nameOf(root, segment)} ${index}`);
const allOf = (held: Sample[]): string[] =>
  held.flatMap(({ receipt, segment }) =>
    Array.from({ length: segment.segment.stripes.length }, (_, i) => `${nameOf(receipt.root, receipt.segment)} ${i}`),
  );

async function leftOf(shards: HolderShards, parts: readonly SetPart[]): Promise<string[]> {
  const { selection, lacking } = await shards.selection(holder.publicKey, parts, signal);
  assert.deepEqual(lacking, []);
  return selection === undefined ? [] : namesOf(selection);
}

/** Slices until the end of the cycle; `between` runs before each slice but the first. */
async function walk(
  shards: () => HolderShards,
  seed: Uint8Array,
  between: (slice: number) => void = () => {},
  number = 1,
) {
  let cycle = cycleOf(seed, number);
  const slices: string[][] = [];
  while (!isCycleEnd(cycle)) {
    if (slices.length > 0) between(slices.length);
    const { selection, end } = await shards().slice(holder.publicKey, cycle, signal);
    assert.ok(isCycleEnd(end) || end.rank >= cycle.rank, 'the cycle goes on');
    cycle = { ...cycle, ...end };
    slices.push(selection === undefined ? [] : namesOf(selection));
    assert.ok(slices.length <= 20);
  }
  return slices;
}

const seeds = fc.uint8Array({ minLength: 16, maxLength: 16 });
const subsets = fc.subarray(SAMPLES, { minLength: 1 });

test('every shard is covered once in a cycle, in slices of one challenge', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, subsets, async (seed, held) => {
      const shards = shardsOf(held);
      const slices = await walk(() => shards, seed);
      assert.deepEqual(slices.flat().sort(), allOf(held).sort());
      assert.equal(slices.filter((slice) => slice.length > 0).length, Math.ceil(held.length / 3));
    }),
    { numRuns: 30 },
  );
});

test('the order is another one in every cycle', async () => {
  const orders = new Set<string>();
  for (let i = 0; i < 5; i++) orders.add((await walk(() => shardsOf(SAMPLES), stream(`seed ${i}`, 16)))[0]!.join());
  assert.ok(orders.size > 1);
});

test('what comes and goes during a cycle: nothing twice, nothing released, all that stays is covered', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, subsets, subsets, fc.integer({ min: 1, max: 3 }), async (seed, before, after, at) => {
      let held = before;
      const slices = await walk(
        () => shardsOf(held),
        seed,
        (slice) => {
          if (slice === at) held = after;
        },
      );
      const covered = slices.flat();
      assert.equal(new Set(covered).size, covered.length);
      const stays = allOf(before.filter((sample) => after.includes(sample)));
      for (const name of stays) assert.ok(covered.includes(name));
      const late = new Set(slices.slice(at).flat());
      for (const name of allOf(before.filter((sample) => !after.includes(sample)))) assert.ok(!late.has(name));
    }),
    { numRuns: 30 },
  );
});

test('the order of a cycle is drawn up once, and asks nobody what is watched', async () => {
  let scans = 0;
  let looks = 0;
  const watched = () => ++looks > 0;
  const shards = shardsOf(SAMPLES, { watched, onScan: () => scans++ });
  const slices = await walk(() => shards, stream('once', 16));
  assert.deepEqual(slices.flat().sort(), allOf(SAMPLES).sort());
  assert.ok(slices.length >= 4);
  assert.equal(scans, 1);
  // Each segment when it is its turn; between two slices the last one and the one that did not fit once more.
  assert.ok(looks <= SAMPLES.length + 2 * slices.length, `${looks}`);
  await walk(() => shards, stream('another cycle', 16));
  assert.equal(scans, 2);
});

test('what is released after the order was drawn up is not asked about', async () => {
  let released: CID | undefined;
  const shards = shardsOf(SAMPLES, { watched: (root) => released === undefined || !root.equals(released) });
  const seed = stream('released', 16);
  const ranks = SAMPLES.map(({ receipt: { root, segment } }) => ({ root, rank: rankOf(seed, root, segment) }));
  const last = ranks.sort((a, b) => (a.rank < b.rank ? -1 : 1)).at(-1)?.root as CID;
  const slices = await walk(
    () => shards,
    seed,
    () => {
      released = last;
    },
  );
  const left = SAMPLES.filter(({ receipt }) => !receipt.root.equals(last));
  assert.deepEqual(slices.flat().sort(), allOf(left).sort());
});

test('a receipt that covers more than one challenge is cut, and the cut is remembered', async () => {
  const shards = shardsOf([SAMPLES[3] as Sample]);
  const whole = cycleOf(stream('seed', 16));
  const first = await shards.slice(holder.publicKey, whole, signal);
  assert.equal(first.selection?.items.length, 4);
  // As if only two of its shards had fitted.
  const { root, segment } = SAMPLES[3]!.receipt;
  const rank = rankOf(whole.seed, root, segment);
  const rest = await shards.slice(holder.publicKey, { ...whole, rank, index: 2 }, signal);
  assert.deepEqual(rest.selection?.parts[0]?.indices, [2, 3]);
  assert.ok(isCycleEnd(rest.end));
});

test('what is not watched, has expired or cannot be read is not asked about', async () => {
  const [one, two, three, four] = SAMPLES.slice(0, 4) as [Sample, Sample, Sample, Sample];
  const { sig: _, ...unsigned } = two.receipt;
  const expired = signStoreReceipt({ ...unsigned, expiresAt: 2 }, holder);
  const receipts = new Map([[nameOf(two.receipt.root, two.receipt.segment), expired]]);
  const watched = (root: CID) => !root.equals(one.receipt.root);
  const shards = shardsOf([one, two, three, four], { watched, receipts });
  const left = allOf([three, four]).sort();
  assert.equal(await shards.count(holder.publicKey, signal), left.length);
  assert.deepEqual((await walk(() => shards, stream('s', 16))).flat().sort(), left);
  const parts = [one, two, three].map(({ receipt: { root, segment, indices } }) => ({ root, segment, indices }));
  assert.deepEqual(await leftOf(shards, parts), allOf([three]));
  const none = await shards.selection(holder.publicKey, parts.slice(0, 2), signal);
  assert.deepEqual(none, { selection: undefined, lacking: [] });
});

test('what nothing can be proved about is not asked about', async () => {
  const [one, two] = SAMPLES.slice(0, 2) as [Sample, Sample];
  const unusable = new UnusableParts();
  const shards = shardsOf([one, two], { unusable });
  unusable.add(one.receipt.root, one.receipt.segment);
  assert.deepEqual((await walk(() => shards, stream('s', 16))).flat(), allOf([two]));
  const parts = [one, two].map(({ receipt: { root, segment, indices } }) => ({ root, segment, indices }));
  assert.deepEqual(await leftOf(shards, parts), allOf([two]));
});

test('a bystander asks about each object in one of some cycles; what was not answered is asked again in any', async () => {
  const [first, ...bystanding] = SAMPLES as [Sample, ...Sample[]];
  const watched = (root: CID) => root.equals(first.receipt.root);
  let left: CID | undefined;
  const shards = shardsOf(SAMPLES, { watched, guarded: (root) => !(left?.equals(root) ?? false) });
  const rare = allOf(bystanding);
  const counted = () => shards.count(holder.publicKey, signal);
  assert.equal(await counted(), allOf([first]).length + Math.ceil(rare.length / RARE_CYCLES));
  for (const start of [1, 4]) {
    const cycles: string[][] = [];
    for (let n = start; n < start + RARE_CYCLES; n++) {
      cycles.push((await walk(() => shards, stream(`cycle ${n}`, 16), undefined, n)).flat());
    }
    for (const asked of cycles) for (const name of allOf([first])) assert.ok(asked.includes(name));
    const others = cycles.flat().filter((name) => !allOf([first]).includes(name));
    assert.deepEqual(others.sort(), rare.toSorted());
    // Not all in the same cycle.
    assert.ok(cycles.filter((asked) => asked.length > 1).length > 1);
  }
  const parts = bystanding.map(({ receipt: { root, segment, indices } }) => ({ root, segment, indices }));
  assert.deepEqual((await leftOf(shards, parts)).sort(), rare.toSorted());
  // Alone it keeps the cycles of the holder going.
  const alone = shardsOf([bystanding[0] as Sample], { watched: () => false, guarded: () => true });
  assert.equal(await alone.count(holder.publicKey, signal), 1);
  left = bystanding[0]?.receipt.root;
  const { selection } = await shards.selection(holder.publicKey, parts, signal);
  assert.equal(selection?.parts.length, bystanding.length - 1);
});

test('a holder of nothing is not counted again until something changed that concerns it', async () => {
  const [held, other] = SAMPLES.slice(0, 2) as [Sample, Sample];
  let scans = 0;
  const watched = new Set<CID>();
  const clock = new ManualClock();
  const shards = shardsOf([held], { clock, watched: (root) => watched.has(root), onScan: () => scans++ });
  const count = () => shards.count(holder.publicKey, signal);
  for (let i = 0; i < 3; i++) assert.equal(await count(), 0);
  shards.changed(other.receipt.root);
  assert.equal(await count(), 0);
  assert.equal(scans, 1);
  shards.changed(held.receipt.root);
  assert.equal(await count(), 0);
  assert.equal(scans, 2);
  // Promises that had ended bind again when the clock is set back.
  clock.skew(-1);
  await count();
  assert.equal(scans, 3);
  await clock.advance(24 * 3_600_000);
  await count();
  assert.equal(scans, 4);
  watched.add(held.receipt.root);
  shards.changed(held.receipt.root);
  assert.equal(await count(), 1);
});

test('what changes while a holder is counted is counted the next time', async () => {
  const [held] = SAMPLES as [Sample];
  let isWatched = false;
  const shards: HolderShards = shardsOf([held], {
    watched: () => {
      const before = isWatched;
      isWatched = true;
      shards.changed(held.receipt.root);
      return before;
    },
    guarded: () => false,
  });
  assert.equal(await shards.count(holder.publicKey, signal), 0);
  assert.equal(await shards.count(holder.publicKey, signal), 1);
});

test('who stalls the look-up of a manifest holds up one slice for ten seconds, and no other for an hour', async () => {
  const seed = stream('stalled', 16);
  const rank = ({ receipt: { root, segment } }: Sample) => rankOf(seed, root, segment);
  const [first, ...others] = SAMPLES.slice(0, 2).sort((a, b) => (rank(a) < rank(b) ? -1 : 1)) as [Sample, Sample];
  const clock = new ManualClock();
  let looks = 0;
  const load = async (sample: Sample) => {
    if (sample !== first) return sample.segment;
    looks++;
    return new Promise<never>(() => {});
  };
  const kept: Sample[] = [];
  const shards = shardsOf([first, ...others], { clock, load, kept });
  const stalled = shards.slice(holder.publicKey, cycleOf(seed), signal);
  while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(10_000);
  const { selection, end } = await stalled;
  // It is passed over; what comes behind it has a time of its own.
  assert.deepEqual([selection, end.rank], [undefined, rank(first)]);
  const next = await shards.slice(holder.publicKey, { ...cycleOf(seed), ...end }, signal);
  assert.deepEqual(namesOf(next.selection as Selection), allOf(others));
  const parts = [first, ...others].map(({ receipt: { root, segment, indices } }) => ({ root, segment, indices }));
  const left = await shards.selection(holder.publicKey, parts, signal);
  assert.deepEqual([namesOf(left.selection as Selection), left.lacking, looks], [allOf(others), parts.slice(0, 1), 1]);
  // What is kept here needs no look-up.
  kept.push(first);
  assert.deepEqual((await leftOf(shards, parts)).sort(), allOf([first, ...others]).sort());
  assert.equal(looks, 1);
  await clock.advance(3_600_000);
  const again = shards.selection(holder.publicKey, parts.slice(0, 1), signal);
  while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(10_000);
  assert.deepEqual([await again, looks], [{ selection: undefined, lacking: parts.slice(0, 1) }, 2]);
});

test('a slice that took its time ends before what had no share of it', async () => {
  const clock = new ManualClock();
  const load = async ({ segment }: Sample) => {
    await clock.sleep(4_000);
    return segment;
  };
  const held = SAMPLES.slice(0, 3);
  const shards = shardsOf(held, { clock, load });
  const seed = stream('slow', 16);
  let cycle = cycleOf(seed);
  const slices: string[][] = [];
  while (!isCycleEnd(cycle)) {
    let done = false;
    const slicing = shards.slice(holder.publicKey, cycle, signal).finally(() => {
      done = true;
    });
    while (!done) await clock.advance(1_000);
    const { selection, end } = await slicing;
    cycle = { ...cycle, ...end };
    slices.push(selection === undefined ? [] : namesOf(selection));
  }
  assert.deepEqual(slices.flat().sort(), allOf(held).sort());
  assert.equal(slices.length, 2);
});

test('a damaged receipt hides nothing else', async () => {
  const [one, two] = SAMPLES.slice(0, 2) as [Sample, Sample];
  const damaged = new HolderShards({
    self: owner.publicKey,
    watched: { has: async () => true, audits: async () => true },
    receipts: {
      holders: async () => [],
      async *allHolders() {},
      async *segmentsOf() {
        for (const { receipt } of [one, two]) yield { root: receipt.root, segment: receipt.segment };
      },
      async get(root) {
        if (root.equals(one.receipt.root)) {
          throw new StoreError({ code: 'damaged-record', table: 'receivedReceipt', key: new Uint8Array(1) });
        }
        return two.receipt;
      },
    },
    segments: { load: async () => two.segment },
    kept: { load: async () => undefined },
    unusable: new UnusableParts(),
    clock: new ManualClock(),
  });
  assert.deepEqual((await walk(() => damaged, stream('s', 16))).flat(), allOf([two]));
});

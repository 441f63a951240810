import assert from 'node:assert/strict';
import { createHash, hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { flipBit } from '../../node/store/lab-faults.ts';
import { META_NAMESPACES, type MetaNamespace } from '../../node/store/meta-namespaces.ts';
import { LAB_TUNING, type OpenStoresOptions, openStores, type Stores } from '../../node/store/stores.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { ManualClock } from './manual-clock.ts';

const MIB = 1024 * 1024;

/** Small enough that a test is quick, on a disk that other things fill too. */
const TEST_TUNING = { ...LAB_TUNING, ballastBytes: 4 * MIB, headroomBytes: 0 };

/** A folder that goes when the test ends. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Opens the stores of a home (by default a new one) with lab tuning and closes them when the test ends. */
export async function openTestStores(
  t: TestContext,
  overrides: Partial<OpenStoresOptions> = {},
): Promise<Stores & { readonly home: string; readonly clock: ManualClock }> {
  const clock = (overrides.clock as ManualClock | undefined) ?? new ManualClock();
  const home = overrides.home ?? (await temporaryFolder(t));
  const stores = await openStores({
    create: true,
    capacityBytes: 256 * SHARD_BYTES,
    quota: { stagedBytesPerPeer: 256 * SHARD_BYTES, storedBytesPerPeer: 256 * SHARD_BYTES },
    tuning: TEST_TUNING,
    ...overrides,
    home,
    clock,
  });
  t.after(() => stores.close());
  return { ...stores, home, clock };
}

export interface TestShard {
  readonly id: Uint8Array;
  readonly bytes: Uint8Array;
}

/** A shard of incompressible bytes that a number determines. */
export function shardOf(seed: number): TestShard {
  const bytes = new Uint8Array(createHash('shake256', { outputLength: SHARD_BYTES }).update(`shard ${seed}`).digest());
  return { id: new Uint8Array(hash('sha256', bytes, 'buffer')), bytes };
}

export const shards = (count: number, from = 0): TestShard[] =>
  Array.from({ length: count }, (_, i) => shardOf(from + i));

/** The CID of a manifest node with these bytes. */
export function cidOf(content: string | Uint8Array): CID {
  return CID.createV1(0x71, createDigest(0x12, new Uint8Array(hash('sha256', content, 'buffer'))));
}

export const uploadId = (n: number): Uint8Array => new Uint8Array(16).fill(n);

/** Flips a bit of every value in a namespace of the metadata, or of those whose key has this in it. */
export async function damageRecords(
  { databases: { meta } }: Pick<Stores, 'databases'>,
  namespace: MetaNamespace,
  part: Uint8Array = new Uint8Array(0),
): Promise<void> {
  const n = META_NAMESPACES[namespace];
  const { entries } = await meta.page({ gte: Uint8Array.of(n), lt: Uint8Array.of(n + 1) });
  const met = entries.filter(([key]) => Buffer.from(key).includes(Buffer.from(part)));
  assert.notEqual(met.length, 0);
  await meta.write(met.map(([key, value]) => ({ type: 'put', key, value: flipBit(value, 3) })));
}

/** Stages shards and waits until they are durable. */
export async function stageAll(
  { shards: store }: Pick<Stores, 'shards'>,
  owner: string,
  list: readonly TestShard[],
  upload = uploadId(1),
): Promise<void> {
  const ticket = await store.stage(
    owner,
    upload,
    list.map(({ id }) => id),
  );
  for (const [i, { id, bytes }] of list.entries()) if (ticket.wanted[i]) await ticket.put(id, bytes);
  await ticket.commit();
}

/** The counters equal a count of the records. */
export async function assertCountersExact({ shards: store }: Pick<Stores, 'shards'>): Promise<void> {
  const counted = await store.countTotals();
  const usage = store.usage();
  assert.equal(usage.trashBytes, counted.trash * SHARD_BYTES);
  const owners = [...counted.owners].map(([owner, { staged, stored }]) => ({
    owner,
    stagedBytes: staged * SHARD_BYTES,
    storedBytes: stored * SHARD_BYTES,
  }));
  const kept = owners.map(({ owner }) => {
    const { stagedBytes, storedBytes } = usage.byOwner(owner);
    return { owner, stagedBytes, storedBytes };
  });
  assert.deepEqual(kept, owners);
  assert.deepEqual(
    { shards: usage.shards, staged: usage.stagedBytes },
    {
      shards: counted.shards - counted.trash,
      staged: owners.reduce((total, { stagedBytes }) => total + stagedBytes, 0),
    },
  );
}

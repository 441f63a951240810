import type { CID } from 'multiformats/cid';
import { toHex } from '../../protocol/bytes.ts';
import { openValue, sealValue } from './checked-value.ts';
import { type ShardEntry, StoreError } from './errors.ts';
import { prefixRange } from './key-codec.ts';
import type { ShardContext } from './shard-context.ts';
import {
  bytesKey,
  claimKey,
  parseReference,
  referenceKey,
  referencePrefix,
  reverseKey,
  rootOfSegmentRoot,
  segmentRootKey,
  segmentRootPrefix,
} from './shard-keys.ts';
import { Departures } from './shard-removal.ts';
import type { ShardReference } from './shard-types.ts';
import { takingBackAll } from './trash.ts';
import type { Operation } from './write-queue.ts';

/** References of one release batch: a few hundred milliseconds of the single writer at most. */
const RELEASE_BATCH = 256;
const NO_VALUE = new Uint8Array(0);

/**
 * Turns staged shards into stored ones: one reference per index, one synced batch. Idempotent. What is stored is charged to
 * the owner, what `stagedBy` staged is no longer charged to that peer.
 * @throws StoreError `not-held` with every entry whose bytes are missing, `quota-exceeded`.
 */
export async function addReferences(
  context: ShardContext,
  owner: string,
  root: CID,
  segment: CID,
  entries: readonly ShardEntry[],
  stagedBy: string,
): Promise<void> {
  const { database, ledger, wanted } = context;
  await database.transaction(async () => {
    const keys = entries.map(({ index, id }) => referenceKey(root, segment, index, id));
    const ids = [...new Map(entries.map(({ id }) => [toHex(id), id])).values()];
    const claimKeys = ids.map((id) => claimKey(id, stagedBy));
    const [held, known, claimed] = await Promise.all([
      database.hasMany(entries.map(({ id }) => bytesKey(id))),
      database.hasMany(keys),
      database.hasMany(claimKeys),
    ]);
    const missing = entries.filter((_, i) => !held[i]);
    if (missing.length > 0) throw new StoreError({ code: 'not-held', missing });

    const fresh = keys.map((key, i) => ({ key, entry: entries[i] as ShardEntry })).filter((_, i) => !known[i]);
    // An entry that is given twice is one reference, and is charged once.
    const added = [...new Map(fresh.map((one) => [toHex(one.key), one])).values()];
    ledger.checkStored(owner, added.length);
    const value = new TextEncoder().encode(owner);
    const operations = added.flatMap(({ key, entry }): Operation[] => [
      { type: 'put', key, value: sealValue(key, value) },
      { type: 'put', key: reverseKey(entry.id, root, segment, entry.index), value: NO_VALUE },
    ]);
    if (added.length > 0) operations.push({ type: 'put', key: segmentRootKey(segment, root), value: NO_VALUE });
    const finished = ids.filter((_, i) => claimed[i]);
    for (const id of finished) {
      operations.push({ type: 'del', key: claimKey(id, stagedBy) });
      wanted.unclaimed(id, stagedBy);
    }
    if (added.length > 0) ledger.addOwner(owner, { stored: added.length });
    if (finished.length > 0) ledger.addOwner(stagedBy, { staged: -finished.length });
    operations.push(...(await takingBackAll(context, ids)));
    return { operations, result: undefined };
  });
}

/** The references of an object, by segment CID and index. */
export async function* referencesOf(
  { database }: ShardContext,
  root: CID,
  segment?: CID,
  signal?: AbortSignal,
): AsyncGenerator<ShardReference> {
  for await (const [key, sealed] of database.entries(prefixRange(referencePrefix(root, segment)), signal)) {
    yield { ...parseReference(key), owner: ownerOf(key, sealed) };
  }
}

/** The references in a segment, whichever objects share it. */
export async function* referencesIn(
  context: ShardContext,
  segment: CID,
  signal?: AbortSignal,
): AsyncGenerator<ShardReference> {
  for await (const [key] of context.database.entries(prefixRange(segmentRootPrefix(segment)), signal)) {
    yield* referencesOf(context, rootOfSegmentRoot(key), segment, signal);
  }
}

/**
 * Removes all references of an object; bytes go with their last reference. In batches, so that a crash leaves some behind
 * and a repetition removes them. Returns the bytes freed and whether an owner was unreadable (count again).
 */
export async function releaseReferences(
  context: ShardContext,
  root: CID,
  signal?: AbortSignal,
): Promise<{ freedBytes: number; recount: boolean }> {
  let freedBytes = 0;
  let recount = false;
  for (;;) {
    signal?.throwIfAborted();
    const step = await context.database.transaction(() => releaseBatch(context, root));
    freedBytes += step.freedBytes;
    recount ||= step.recount;
    if (step.done) return { freedBytes, recount };
  }
}

async function releaseBatch(context: ShardContext, root: CID) {
  const { database, ledger } = context;
  // One more than is released, to see whether the last segment goes on.
  const { entries } = await database.page(prefixRange(referencePrefix(root)), RELEASE_BATCH + 1);
  const parsed = entries.map(([key, sealed]) => ({ key, owner: ownerOf(key, sealed), ...parseReference(key) }));
  const done = entries.length <= RELEASE_BATCH;
  const leaving = parsed.slice(0, RELEASE_BATCH);
  const following = parsed[RELEASE_BATCH]?.segment;
  const departures = new Departures();
  const operations: Operation[] = [];
  let recount = false;
  leaving.forEach(({ key, owner, id, segment, index }, i) => {
    const reverse = reverseKey(id, root, segment, index);
    departures.add(id, reverse);
    operations.push({ type: 'del', key }, { type: 'del', key: reverse });
    const next = leaving[i + 1]?.segment ?? following;
    if (next?.equals(segment) !== true) operations.push({ type: 'del', key: segmentRootKey(segment, root) });
    if (owner === undefined) recount = true;
    else ledger.addOwner(owner, { stored: -1 });
  });
  const removal = await departures.operations(context);
  operations.push(...removal.operations);
  return { operations, result: { freedBytes: removal.freedBytes, recount, done } };
}

/**
 * Removes the references of an object in one segment, all but those of the indices to keep. In batches; may be repeated.
 * Returns the bytes freed and whether an owner was unreadable (count again).
 */
export async function releaseSegment(
  context: ShardContext,
  root: CID,
  segment: CID,
  keep: ReadonlySet<number>,
  signal?: AbortSignal,
): Promise<{ freedBytes: number; recount: boolean }> {
  let freedBytes = 0;
  let recount = false;
  let gt: Uint8Array | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const step = await context.database.transaction(() => releaseSome(context, root, segment, keep, gt));
    freedBytes += step.freedBytes;
    recount ||= step.recount;
    gt = step.last;
    if (gt === undefined) return { freedBytes, recount };
  }
}

async function releaseSome(
  context: ShardContext,
  root: CID,
  segment: CID,
  keep: ReadonlySet<number>,
  gt: Uint8Array | undefined,
) {
  const { database, ledger } = context;
  const range = prefixRange(referencePrefix(root, segment));
  const { entries } = await database.page({ ...range, gt }, RELEASE_BATCH);
  const departures = new Departures();
  const operations: Operation[] = [];
  const leaving = new Set<string>();
  let recount = false;
  for (const [key, sealed] of entries) {
    const { id, index } = parseReference(key);
    if (keep.has(index)) continue;
    const reverse = reverseKey(id, root, segment, index);
    leaving.add(toHex(key));
    departures.add(id, reverse);
    operations.push({ type: 'del', key }, { type: 'del', key: reverse });
    const owner = ownerOf(key, sealed);
    if (owner === undefined) recount = true;
    else ledger.addOwner(owner, { stored: -1 });
  }
  const left = await database.page(range, leaving.size + 1);
  if (leaving.size > 0 && left.entries.every(([key]) => leaving.has(toHex(key)))) {
    operations.push({ type: 'del', key: segmentRootKey(segment, root) });
  }
  const removal = await departures.operations(context);
  operations.push(...removal.operations);
  return { operations, result: { freedBytes: removal.freedBytes, recount, last: entries.at(-1)?.[0] } };
}

function ownerOf(key: Uint8Array, sealed: Uint8Array): string | undefined {
  const value = openValue(key, sealed);
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

import { openValue } from './checked-value.ts';
import type { Entry } from './database.ts';
import { prefixRange, u64At } from './key-codec.ts';
import type { ShardContext } from './shard-context.ts';
import { claimOwner, idOf, namespacePrefix, SHARD_NAMESPACES, uploadKey } from './shard-keys.ts';
import { Departures } from './shard-removal.ts';
import { isExpired, readClaim, readTraffic, STAGED_IDLE_MS } from './staged-claim.ts';
import type { Operation } from './write-queue.ts';

/** Ends the claims of uploads that went silent, with the bytes that nothing else holds (protocol v1 §4.1). */
export async function sweepStaged(
  context: ShardContext,
  now: number,
  signal?: AbortSignal,
): Promise<{ claims: number; freedBytes: number }> {
  const { database } = context;
  const range = prefixRange(namespacePrefix(SHARD_NAMESPACES.claim));
  let claims = 0;
  let freedBytes = 0;
  let gt: Uint8Array | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const { entries, done } = await database.page({ ...range, gt });
    if ((await expiredOf(context, entries, now)).length > 0) {
      const swept = await database.transaction(() => endClaims(context, entries, now));
      claims += swept.claims;
      freedBytes += swept.freedBytes;
    }
    gt = entries.at(-1)?.[0];
    if (done || gt === undefined) break;
  }
  await forgetUploads(context, now, signal);
  return { claims, freedBytes };
}

async function expiredOf({ database }: ShardContext, entries: readonly Entry[], now: number): Promise<Uint8Array[]> {
  const claims = entries.map(([key, sealed]) => ({ key, claim: readClaim(key, sealed) }));
  const uploads = claims.map(({ key, claim }) => uploadKey(claimOwner(key), claim.upload));
  const traffic = await database.getMany(uploads);
  return claims
    .filter(({ claim }, i) => isExpired(claim, readTraffic(uploads[i] as Uint8Array, traffic[i]), now))
    .map(({ key }) => key);
}

/** Looks again, as the single writer: an upload may have gone on, or been finalized, since the page was read. */
async function endClaims(context: ShardContext, page: readonly Entry[], now: number) {
  const { database, ledger, wanted } = context;
  const keys = page.map(([key]) => key);
  const values = await database.getMany(keys);
  const present = keys.flatMap((key, i): Entry[] => (values[i] === undefined ? [] : [[key, values[i]]]));
  const departures = new Departures();
  const operations: Operation[] = [];
  const expired = await expiredOf(context, present, now);
  for (const key of expired) {
    departures.add(idOf(key), key);
    operations.push({ type: 'del', key });
    wanted.unclaimed(idOf(key), claimOwner(key));
    ledger.addOwner(claimOwner(key), { staged: -1 });
  }
  const removal = await departures.operations(context);
  operations.push(...removal.operations);
  return { operations, result: { claims: expired.length, freedBytes: removal.freedBytes } };
}

/** Traffic records without claims: all claims of a silent upload have just been ended. */
async function forgetUploads({ database, uploads }: ShardContext, now: number, signal?: AbortSignal): Promise<void> {
  const range = prefixRange(namespacePrefix(SHARD_NAMESPACES.upload));
  const silent = (key: Uint8Array, sealed: Uint8Array | undefined): boolean => {
    if (sealed === undefined || uploads.isOpen(key)) return false;
    const value = openValue(key, sealed);
    return value === undefined || now >= u64At(value, 0) + STAGED_IDLE_MS;
  };
  let gt: Uint8Array | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const { entries, done } = await database.page({ ...range, gt });
    const keys = entries.filter(([key, sealed]) => silent(key, sealed)).map(([key]) => key);
    if (keys.length > 0) {
      await database.transaction(async () => {
        const current = await database.getMany(keys);
        const forgotten = keys.filter((key, i) => silent(key, current[i]));
        for (const key of forgotten) uploads.remove(key);
        const operations = forgotten.map((key): Operation => ({ type: 'del', key }));
        return { operations, result: undefined };
      });
    }
    gt = entries.at(-1)?.[0];
    if (done || gt === undefined) return;
  }
}

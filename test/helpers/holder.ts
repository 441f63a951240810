import type { TestContext } from 'node:test';
import type { CID } from 'multiformats/cid';
import { type ProveLimits, READ_BURST_BYTES } from '../../node/audit/prove-budget.ts';
import { Prover } from '../../node/audit/prover.ts';
import { createHandlers, type HandledMethod } from '../../node/handlers/table.ts';
import { Holdings } from '../../node/holdings/holdings.ts';
import type { KzgEngine } from '../../node/kzg/engine.ts';
import { Intake } from '../../node/leave/intake.ts';
import { silentLogger } from '../../node/log.ts';
import { keptManifests, SegmentDirectory } from '../../node/manifest/segment-directory.ts';
import { peerIdFromKey } from '../../node/network/peer-key.ts';
import type { ShardReader } from '../../node/store/shard-types.ts';
import type { OpenStoresOptions } from '../../node/store/stores.ts';
import { bitmapIndices, bitmapOf } from '../../protocol/bitmap.ts';
import { concat, toHex } from '../../protocol/bytes.ts';
import type { CodeId, ErasureCode } from '../../protocol/code.ts';
import { finalizeRequest, finalizeResponse } from '../../protocol/messages/finalize.ts';
import { stageOffer, stageRequest } from '../../protocol/messages/stage.ts';
import type { Signer } from '../../protocol/signature.ts';
import { decodeStoreReceipt, type StoreReceipt } from '../../protocol/store-receipt.ts';
import { type Answered, callHandler, type MemoryCall } from './memory-exchange.ts';
import { type SampleObject, sha256 } from './sample-object.ts';
import { signerOf } from './signers.ts';
import { openTestStores, uploadId } from './store-home.ts';

export interface HolderOptions extends Partial<OpenStoresOptions> {
  readonly network: Uint8Array;
  readonly engine: KzgEngine;
  readonly codes: (id: CodeId) => ErasureCode;
  readonly signer?: Signer;
  /** What proofs and fetches read in place of the store. */
  readonly reader?: (honest: ShardReader) => ShardReader;
  readonly limits?: ProveLimits;
  readonly evidence?: (peer: string) => AsyncIterable<Uint8Array>;
  readonly commitForOthers?: boolean;
  readonly isShunned?: (peer: string) => boolean;
}

/** Far more than any test asks for. */
export const UNLIMITED: ProveLimits = {
  perHour: 1_000_000,
  totalPerHour: 1_000_000,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  totalBytesPerSecond: Number.POSITIVE_INFINITY,
  burstBytes: READ_BURST_BYTES,
};

export const HOLDER = signerOf('holder');
/** For what a stranger finalizes. */
export const LEASE_MS = 60_000;

/** The side of a node that holds shards for others: real databases, real proofs, calls through memory. */
export async function openHolder(t: TestContext, options: HolderOptions) {
  const { network, engine, codes, signer = HOLDER, evidence, limits = UNLIMITED, ...rest } = options;
  const { reader, commitForOthers = true, isShunned = () => false, ...stored } = rest;
  const stores = await openTestStores(t, stored);
  const { clock } = stores;
  const intake = new Intake();
  const kept: CID[] = [];
  const released: CID[] = [];
  /** Releases that were obeyed. */
  const obeyed: CID[] = [];
  const holdings = new Holdings({
    network,
    signer,
    clock,
    shards: stores.shards,
    manifests: stores.manifests,
    receipts: stores.issuedReceipts,
    releases: stores.releases,
    leaseMs: LEASE_MS,
    isOwn: (root) => stores.catalog.has(root),
    onKept: (root) => kept.push(root),
    onReleased: (root) => released.push(root),
    log: silentLogger,
  });
  const segments = new SegmentDirectory(keptManifests(stores.manifests), codes);
  const onDamaged = (id: Uint8Array) => holdings.damaged(id);
  const read = reader?.(stores.shards) ?? stores.shards;
  const prover = new Prover({
    network,
    signer,
    clock,
    limits,
    engine,
    checksOwn: reader === undefined,
    log: silentLogger,
    shards: read,
    segments,
    receipts: stores.issuedReceipts,
    releases: stores.releases,
    onDamaged,
  });
  const handlers = createHandlers({
    network,
    signer,
    clock,
    engine,
    segments,
    manifests: stores.manifests,
    receipts: stores.issuedReceipts,
    releases: stores.releases,
    holdings,
    prover,
    evidence: { about: evidence ?? async function* () {} },
    commitForOthers,
    leaseMs: LEASE_MS,
    isShunned,
    intake,
    shards: {
      get: (id, signal) => read.get(id, signal),
      hasMany: (ids) => stores.shards.hasMany(ids),
      stage: (owner, upload, ids) => stores.shards.stage(owner, upload, ids),
      idsOf: (segment) => holdings.idsOf(segment),
    },
    onDamaged,
    onReleaseReceived: ({ root }) => obeyed.push(root),
  });
  const call = (method: HandledMethod, request: Uint8Array, from: Signer, more: Partial<MemoryCall> = {}) =>
    callHandler(handlers[method], request, {
      remote: peerIdFromKey(from.publicKey),
      remoteKey: from.publicKey,
      ...more,
    });
  return { ...stores, signer, holdings, segments, prover, handlers, intake, call, kept, released, obeyed };
}

export type Holder = Awaited<ReturnType<typeof openHolder>>;

/** Offers these shards, each once; those that are wanted are sent. */
export function stage(holder: Holder, owner: Signer, given: readonly Uint8Array[], upload = 1): Promise<Answered> {
  const shards = [...new Map(given.map((shard) => [toHex(sha256(shard)), shard])).values()];
  const ids = concat(...shards.map(sha256));
  let wanted: Iterator<number> | undefined;
  return holder.call('stage', stageRequest.encode({ upload: uploadId(upload), ids }), owner, {
    frames([offer]) {
      wanted ??= bitmapIndices(stageOffer.decode((offer as Uint8Array).subarray(1)).wanted).values();
      const next = wanted.next();
      return next.done ? undefined : shards[next.value];
    },
  });
}

/** The shards at these indices of a segment. */
export function shardsAt(object: SampleObject, indices: readonly number[], segment = 0): Uint8Array[] {
  return indices.map((index) => object.shards[segment]?.get(index) as Uint8Array);
}

export function finalizeBytes(object: SampleObject, indices: readonly number[], { lease = false } = {}): Uint8Array {
  const node = object.segments[0]?.bytes as Uint8Array;
  const segments = [{ node, indices: bitmapOf(indices) }];
  return finalizeRequest.encode({ root: object.rootBytes, segments, ...(lease ? { lease } : {}) });
}

/** Stages and finalizes these shards of the first segment. */
export async function keep(
  holder: Holder,
  owner: Signer,
  object: SampleObject,
  indices: readonly number[],
): Promise<StoreReceipt> {
  await stage(holder, owner, shardsAt(object, indices));
  const { reply } = await holder.call('finalize', finalizeBytes(object, indices), owner);
  if (reply.status !== 'ok') throw new Error(`finalize was refused: ${JSON.stringify(reply)}`);
  return decodeStoreReceipt(finalizeResponse.decode(reply.body).receipts[0] as Uint8Array);
}

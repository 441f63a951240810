import type { CID } from 'multiformats/cid';
import { bitmapIndices, bitmapOf, isSubsetOf } from '../../protocol/bitmap.ts';
import { isConstantShard } from '../../protocol/blob.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { nodeCid } from '../../protocol/cid.ts';
import { decodeRoot, type Root, verifyRoot } from '../../protocol/manifest.ts';
import { finalizeRequest, finalizeResponse } from '../../protocol/messages/finalize.ts';
import { encodeSegment } from '../../protocol/segment.ts';
import type { Signer } from '../../protocol/signature.ts';
import type { Reply } from '../../protocol/status.ts';
import { encodeStoreReceipt, type StoreReceipt, signStoreReceipt } from '../../protocol/store-receipt.ts';
import type { Clock } from '../clock.ts';
import { KeyedLock } from '../keyed-lock.ts';
import { type BatchPair, KzgError } from '../kzg/engine.ts';
import type { LoadedSegment } from '../manifest/loaded-segment.ts';
import { type ShardEntry, StoreError } from '../store/errors.ts';
import type { ShardReader } from '../store/shard-types.ts';
import { type Caller, type Handler, ok, refusal, unary } from './handler.ts';

export interface FinalizeDeps {
  readonly network: Uint8Array;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly shards: ShardReader & {
    has(id: Uint8Array): Promise<boolean>;
    /** Moves staged shards to stored ones, durably. @throws StoreError `not-held` */
    reference(owner: string, root: CID, segment: CID, entries: readonly ShardEntry[]): Promise<void>;
  };
  readonly engine: { batchCheck(pairs: readonly BatchPair[], signal?: AbortSignal): Promise<number[]> };
  readonly segments: { parse(rootCid: CID, root: Root, position: number, bytes: Uint8Array): LoadedSegment };
  readonly manifests: {
    putRoot(cid: CID, bytes: Uint8Array): Promise<void>;
    putSegment(root: CID, cid: CID, bytes: Uint8Array): Promise<void>;
  };
  /** Receipts that this node signed. */
  readonly receipts: {
    get(root: CID, segment: CID): Promise<StoreReceipt | undefined>;
    put(receipt: StoreReceipt): Promise<void>;
  };
  readonly releases: { isReleased(root: CID): Promise<boolean> };
  /** Called once per root that this node now answers for. */
  readonly onStored: (root: CID) => void;
}

interface Claim {
  readonly segment: LoadedSegment;
  readonly indices: Uint8Array;
  readonly entries: readonly ShardEntry[];
}

/** Checks staged shards against the manifest and signs for them (protocol v1 §4.4). Idempotent. */
export function finalizeHandler(deps: FinalizeDeps): Handler {
  // One object at a time: two receipts for a segment must not forget each other's indices.
  const locks = new KeyedLock();
  return unary(async (bytes, caller) => {
    const request = finalizeRequest.decode(bytes);
    const root = decodeRoot(request.root);
    const unacceptable = refuseRoot(deps, root, caller);
    if (unacceptable !== undefined) return unacceptable;
    const rootCid = nodeCid(request.root);
    return locks.run(rootCid.toString(), caller.signal, async () => {
      if (await deps.releases.isReleased(rootCid)) {
        return refusal('not-allowed', 'released', `${rootCid} was released by its owner`);
      }
      const claims = request.segments.map(({ node, indices }) => readClaim(deps, rootCid, root, node, indices));
      if (claims.some((claim) => claim === undefined)) {
        return refusal('invalid-request', 'unknown-shards', 'an index is not one of the manifest');
      }
      return settle(deps, claims as Claim[], request.root, caller);
    });
  });
}

function refuseRoot({ network }: FinalizeDeps, root: Root, caller: Caller): Reply | undefined {
  if (!equalBytes(root.network, network))
    return refusal('not-allowed', 'other-network', 'the manifest is of another network');
  if (!equalBytes(root.owner, caller.remoteKey))
    return refusal('not-allowed', 'not-owner', 'only the owner finalizes an object');
  if (!verifyRoot(root))
    return refusal('invalid-request', 'bad-signature', 'the signature of the manifest does not verify');
  return undefined;
}

/** @throws StructureError when the root does not list this node. */
function readClaim(
  deps: FinalizeDeps,
  rootCid: CID,
  root: Root,
  node: Uint8Array,
  indices: Uint8Array,
): Claim | undefined {
  const cid = nodeCid(node);
  const position = root.segments.findIndex((listed) => listed.equals(cid));
  if (position < 0) return undefined;
  const segment = deps.segments.parse(rootCid, root, position, node);
  const entries: ShardEntry[] = [];
  for (const index of bitmapIndices(indices)) {
    const id = segment.shardId(index);
    if (id === undefined) return undefined;
    entries.push({ index, id });
  }
  return { segment, indices, entries };
}

async function settle(
  deps: FinalizeDeps,
  claims: readonly Claim[],
  rootBytes: Uint8Array,
  caller: Caller,
): Promise<Reply> {
  const missing = await Promise.all(claims.map((claim) => missingOf(deps, claim)));
  if (missing.some((bitmap) => bitmap.length > 0)) {
    return refusal('not-held', 'not-staged', 'some shards are not staged here', missing);
  }
  const fresh: Claim[] = [];
  for (const claim of claims) if (!(await isCovered(deps, claim))) fresh.push(claim);
  const bad = await badOf(deps, claims, fresh, caller.signal);
  if (bad !== undefined)
    return refusal('invalid-request', 'commitment-mismatch', 'some shards do not fit the manifest', bad);

  const root = (claims[0] as Claim).segment.rootCid;
  await deps.manifests.putRoot(root, rootBytes);
  const receipts: Uint8Array[] = [];
  for (const claim of claims) receipts.push(encodeStoreReceipt(await sign(deps, claim, caller)));
  deps.onStored(root);
  return ok(finalizeResponse.encode({ receipts }));
}

async function missingOf({ shards }: FinalizeDeps, { entries }: Claim): Promise<Uint8Array> {
  const held = await Promise.all(entries.map(({ id }) => shards.has(id)));
  return bitmapOf(entries.filter((_, i) => !held[i]).map(({ index }) => index));
}

/** Whether an earlier receipt answers for these shards already: a repeated call costs no second check. */
async function isCovered({ receipts }: FinalizeDeps, { segment, indices }: Claim): Promise<boolean> {
  const issued = await receipts.get(segment.rootCid, segment.cid);
  return issued !== undefined && isSubsetOf(indices, issued.indices);
}

/** Bitmaps, one per claim, of the shards whose bytes do not have the manifest's commitment; undefined when all do. */
async function badOf(
  deps: FinalizeDeps,
  claims: readonly Claim[],
  fresh: readonly Claim[],
  signal: AbortSignal,
): Promise<Uint8Array[] | undefined> {
  const pairs: (BatchPair & { readonly claim: Claim; readonly index: number })[] = [];
  for (const claim of fresh) {
    for (const { index, id } of claim.entries) {
      const commitment = await commitmentOf(claim.segment, index, signal);
      // A point that is none has no blob: all of the claim that depends on it is bad.
      if (commitment === undefined) return claims.map((other) => (other === claim ? claim.indices : new Uint8Array(0)));
      pairs.push({ claim, index, commitment, load: (at) => loadChecked(deps, claim, id, at) });
    }
  }
  if (pairs.length === 0) return undefined;
  const bad = (await deps.engine.batchCheck(pairs, signal)).map((i) => pairs[i] as (typeof pairs)[number]);
  if (bad.length === 0) return undefined;
  return claims.map((claim) => bitmapOf(bad.filter((pair) => pair.claim === claim).map(({ index }) => index)));
}

async function commitmentOf(
  segment: LoadedSegment,
  index: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    return await segment.commitment(index, signal);
  } catch (error) {
    if (error instanceof KzgError && error.code === 'invalid-commitment') return undefined;
    throw error;
  }
}

/** Constant blobs cost nothing to keep and cannot occur in encrypted content (protocol v1 §4.7). */
async function loadChecked(
  deps: FinalizeDeps,
  claim: Claim,
  id: Uint8Array,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const bytes = await deps.shards.get(id, signal);
  const refused = bytes !== undefined && claim.segment.root.cipher !== 'none' && isConstantShard(bytes);
  if (bytes === undefined || refused) throw new StoreError({ code: 'damaged', id });
  return bytes;
}

async function sign(deps: FinalizeDeps, { segment, indices, entries }: Claim, caller: Caller): Promise<StoreReceipt> {
  const { rootCid, cid, root } = segment;
  const issued = await deps.receipts.get(rootCid, cid);
  if (issued !== undefined && isSubsetOf(indices, issued.indices)) return issued;
  await deps.manifests.putSegment(rootCid, cid, encodeSegment(segment.segment, root.code));
  await deps.shards.reference(caller.remote, rootCid, cid, entries);
  const receipt = signStoreReceipt(
    {
      network: deps.network,
      holder: deps.signer.publicKey,
      owner: root.owner,
      root: rootCid,
      segment: cid,
      indices: bitmapOf([...bitmapIndices(indices), ...bitmapIndices(issued?.indices ?? new Uint8Array(0))]),
      issuedAt: deps.clock.now(),
      // Until released: leases with an end come with the first issue that renews them.
      expiresAt: 0,
    },
    deps.signer,
  );
  await deps.receipts.put(receipt);
  return receipt;
}

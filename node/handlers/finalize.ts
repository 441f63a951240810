import type { CID } from 'multiformats/cid';
import { bitmapIndices, bitmapOf, isSubsetOf } from '../../protocol/bitmap.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { nodeCid } from '../../protocol/cid.ts';
import type { CodeParameters } from '../../protocol/code.ts';
import { shardPosition } from '../../protocol/geometry.ts';
import { decodeRoot, type Root, verifyRoot } from '../../protocol/manifest.ts';
import { finalizeRequest, finalizeResponse } from '../../protocol/messages/finalize.ts';
import type { Signer } from '../../protocol/signature.ts';
import { encodeStoreReceipt, type StoreReceipt } from '../../protocol/store-receipt.ts';
import type { Clock } from '../clock.ts';
import { HoldingsError } from '../holdings/holdings-error.ts';
import type { KeptObject, KeptPart } from '../holdings/kept-object.ts';
import { nextTurn } from '../kzg/next-turn.ts';
import type { LoadedSegment } from '../manifest/loaded-segment.ts';
import { cidName, positionsOf } from '../manifest/segment-directory.ts';
import { RequestRefused } from '../network/errors.ts';
import { peerIdFromKey } from '../network/peer-key.ts';
import { StoreError } from '../store/errors.ts';
import { Turns } from '../turns.ts';
import { Claim } from './claim.ts';
import { type CheckDeps, checkShards } from './finalize-check.ts';
import { type Caller, type Handler, ok, refuse, unary } from './handler.ts';
import { refusedAsLeaving } from './refuse-leaving.ts';
import { storeRefusal } from './store-refusal.ts';

export interface FinalizeDeps extends CheckDeps {
  readonly network: Uint8Array;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly segments: { parse(rootCid: CID, root: Root, position: number, bytes: Uint8Array): LoadedSegment };
  readonly shards: CheckDeps['shards'] & { hasMany(ids: readonly Uint8Array[]): Promise<boolean[]> };
  readonly holdings: {
    keep(object: KeptObject, parts: readonly KeptPart[], signal?: AbortSignal): Promise<StoreReceipt[]>;
    /** The shards of a segment in the newest receipt, as a bitmap. */
    promised(root: CID, segment: CID): Promise<Uint8Array>;
  };
  /** For how long this node promises what its owner does not store here without an end, milliseconds. */
  readonly leaseMs: number;
  readonly releases: { isReleased(root: CID): Promise<boolean> };
  /** Told of each promise while it is made; undefined when this node makes no new ones. */
  readonly intake: { begin(): (() => void) | undefined };
}

/** Requests are up to 8 MiB, several times that when decoded, and each keeps disk and workers busy. */
const LIMITS = { running: 2, waiting: 8, waitingPerKey: 2 };
const BUSY_MS = 5_000;
/** Ids looked up in one call of the store. */
const LOOKUP = 1024;

/**
 * Checks staged shards against the manifest and signs for them (protocol v1 §4.4). Idempotent. Whoever repairs an object may
 * ask for it as well as its owner: the owner's signature and the commitments decide what is kept, not who brings it.
 */
export function finalizeHandler(deps: FinalizeDeps): Handler {
  const turns = new Turns(LIMITS);
  return unary(async (bytes, caller) => {
    const endTurn = await turns.take(caller.remote, caller.signal);
    if (endTurn === undefined) throw new RequestRefused({ status: 'busy', retryAt: deps.clock.now() + BUSY_MS });
    try {
      return ok(finalizeResponse.encode({ receipts: await finalize(deps, bytes, caller) }));
    } finally {
      endTurn();
    }
  });
}

async function finalize(deps: FinalizeDeps, bytes: Uint8Array, caller: Caller): Promise<Uint8Array[]> {
  const request = finalizeRequest.decode(bytes);
  const root = decodeRoot(request.root);
  checkRoot(deps, root);
  const cid = nodeCid(request.root);
  if (await deps.releases.isReleased(cid)) throw refuseReleased(cid);
  const claims = await readClaims(deps, cid, root, request.segments, caller.signal);
  const byOwner = equalBytes(root.owner, caller.remoteKey);
  const fresh: Claim[] = [];
  for (const claim of claims) {
    const promised = await deps.holdings.promised(cid, claim.segment);
    if (!byOwner) checkApart(root.code, claim, promised);
    if (!isSubsetOf(claim.indices, promised)) fresh.push(claim);
  }
  await checkHeld(deps, claims);
  const fault = await checkShards(deps, fresh, caller.signal);
  if (fault !== undefined) throw refuse(fault.status, fault.code, fault.message, bitmaps(claims, fault.shards));
  caller.signal.throwIfAborted();
  // A replacement without an end would stay beside the holder that it replaces, should that come back.
  const endless = byOwner && request.lease !== true;
  const until = endless ? 0 : deps.clock.now() + deps.leaseMs;
  const owner = peerIdFromKey(root.owner);
  const object = { cid, bytes: request.root, ownerKey: root.owner, owner, stagedBy: caller.remote, until };
  // Whoever waited for a turn may find that this node leaves meanwhile.
  const end = deps.intake.begin();
  if (end === undefined) throw refusedAsLeaving();
  try {
    return (await deps.holdings.keep(object, claims, caller.signal)).map(encodeStoreReceipt);
  } catch (error) {
    if (error instanceof HoldingsError) throw refuseReleased(cid);
    // Staging may expire between the check and the promise.
    if (error instanceof StoreError && error.code === 'not-held') await checkHeld(deps, claims);
    throw storeRefusal(error);
  } finally {
    end();
  }
}

function checkRoot({ network, signer }: FinalizeDeps, root: Root): void {
  if (!equalBytes(root.network, network))
    throw refuse('not-allowed', 'other-network', 'the manifest is of another network');
  if (equalBytes(root.owner, signer.publicKey))
    throw refuse('not-allowed', 'own-object', 'this node owns the object: its shards belong elsewhere');
  if (!verifyRoot(root))
    throw refuse('invalid-request', 'bad-signature', 'the signature of the manifest does not verify');
}

/** Who repairs may not gather shards of one stripe in one place: the owner alone decides so for its own object. */
function checkApart(code: CodeParameters, { indices }: Claim, promised: Uint8Array): void {
  const stripeOf = (index: number) => shardPosition(code, index).stripe;
  const before = bitmapIndices(promised);
  const taken = new Set(before.map(stripeOf));
  const known = new Set(before);
  for (const index of bitmapIndices(indices)) {
    if (known.has(index)) continue;
    const stripe = stripeOf(index);
    if (taken.has(stripe)) {
      throw refuse('not-allowed', 'stripe-taken', `another shard of stripe ${stripe} is kept here already`);
    }
    taken.add(stripe);
  }
}

function refuseReleased(root: CID): RequestRefused {
  return refuse('not-allowed', 'released', `${root} was released by its owner`);
}

async function readClaims(
  deps: FinalizeDeps,
  rootCid: CID,
  root: Root,
  requested: readonly { readonly node: Uint8Array; readonly indices: Uint8Array }[],
  signal: AbortSignal,
): Promise<Claim[]> {
  const positions = positionsOf(root);
  const claims: Claim[] = [];
  for (const { node, indices } of requested) {
    const position = positions.get(cidName(nodeCid(node)));
    if (position === undefined) throw refuse('invalid-request', 'unknown-segment', 'the root does not list a segment');
    claims.push(new Claim(deps.segments.parse(rootCid, root, position, node), node, indices));
    // A segment takes a millisecond to decode.
    await nextTurn();
    signal.throwIfAborted();
  }
  return claims;
}

/** @throws RequestRefused not-held, with the shards that are not here */
async function checkHeld({ shards }: FinalizeDeps, claims: readonly Claim[]): Promise<void> {
  const missing = new Map<Claim, number[]>();
  for (const claim of claims) {
    const entries = claim.entries();
    for (let start = 0; start < entries.length; start += LOOKUP) {
      const part = entries.slice(start, start + LOOKUP);
      const held = await shards.hasMany(part.map(({ id }) => id));
      const lacking = part.filter((_, i) => !held[i]).map(({ index }) => index);
      if (lacking.length > 0) missing.set(claim, [...(missing.get(claim) ?? []), ...lacking]);
    }
  }
  if (missing.size === 0) return;
  throw refuse('not-held', 'not-staged', 'some shards are not staged here', bitmaps(claims, missing));
}

function bitmaps(claims: readonly Claim[], indices: ReadonlyMap<Claim, readonly number[]>): Uint8Array[] {
  return claims.map((claim) => bitmapOf(indices.get(claim) ?? []));
}

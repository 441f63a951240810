import type { CID } from 'multiformats/cid';
import { bitmapIndices, isCanonicalBitmap, isSubsetOf } from '../../protocol/bitmap.ts';
import { compareBytes, concat, equalBytes } from '../../protocol/bytes.ts';
import { nodeCid } from '../../protocol/cid.ts';
import { MAX_NODE_BYTES } from '../../protocol/constants.ts';
import { type AuditAnswer, type AuditRequest, auditAnswer, auditRequest } from '../../protocol/messages/audit.ts';
import { type EvidenceResponse, evidenceRequest, evidenceResponse } from '../../protocol/messages/evidence.ts';
import { decodeShardFrame, fetchRequest } from '../../protocol/messages/fetch.ts';
import { type FinalizeSegment, finalizeRequest, finalizeResponse } from '../../protocol/messages/finalize.ts';
import { type HaveResponse, haveRequest, haveResponse } from '../../protocol/messages/have.ts';
import { manifestRequest } from '../../protocol/messages/manifest.ts';
import { releaseRequest } from '../../protocol/messages/release.ts';
import {
  type StageRequest,
  type StageResult,
  stageOffer,
  stageRequest,
  stageResult,
} from '../../protocol/messages/stage.ts';
import { METHODS, type Method } from '../../protocol/methods.ts';
import { decodeRelease, encodeRelease, type Release } from '../../protocol/release.ts';
import type { SignedClaim } from '../../protocol/stage-claim.ts';
import { decodeStoreReceipt, type StoreReceipt } from '../../protocol/store-receipt.ts';
import {
  checked,
  closedEarly,
  during,
  exchange,
  malformed,
  readReply,
  type StreamOpener,
  sendLast,
} from './exchange.ts';
import type { FrameStream } from './frame-stream.ts';
import { keyFromPeerId } from './peer-key.ts';

/** A shard offered to a holder; `bytes` is called only for shards that the holder wants. */
export interface OfferedShard {
  /** SHA-256 of the shard. */
  readonly id: Uint8Array;
  bytes(): Uint8Array | Promise<Uint8Array>;
}

export interface FetchedShard {
  readonly index: number;
  /** 131,072 bytes, unchecked; absent when the peer says that it does not hold the shard. */
  readonly shard?: Uint8Array;
}

export interface HeldSegment {
  readonly segment: CID;
  readonly indices: Uint8Array;
  /** Names this peer as the holder; its signature is not checked yet. */
  readonly receipt: StoreReceipt;
}

/** Pages of one `have`: 25,000 segments of a root take fewer than 256. */
const MAX_PAGES = 512;

/**
 * One typed call per method (protocol v1 §6). Answers are decoded within their bounds and matched with the request;
 * what needs keys or manifests (signatures, hashes of shards, proofs) is the caller's to check.
 * Every call throws RequestError, and nothing else for what a peer does.
 */
export class PeerClient {
  readonly #opener: StreamOpener;

  constructor(opener: StreamOpener) {
    this.#opener = opener;
  }

  /** Gives our encoded advert for the peer's. */
  async hello(peer: string, advert: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    return exchange(this.#opener, peer, 'hello', advert, signal);
  }

  /** Resolves once every offered shard is durable on the peer. `upload` is 16 bytes; at most 256 shards. */
  async stage(
    peer: string,
    upload: Uint8Array,
    shards: readonly OfferedShard[],
    signal?: AbortSignal,
  ): Promise<{ readonly sent: number }> {
    const { sent } = await this.#stage(peer, { upload, ids: concat(...shards.map(({ id }) => id)) }, shards, signal);
    return { sent };
  }

  /** As `stage`, with the commitments that the peer claims for the shards, in their order. The signature is not checked. */
  async stageAndCommit(
    peer: string,
    upload: Uint8Array,
    shards: readonly OfferedShard[],
    signal?: AbortSignal,
  ): Promise<{ readonly sent: number; readonly claim: SignedClaim }> {
    const ids = concat(...shards.map(({ id }) => id));
    const { sent, result } = await this.#stage(peer, { upload, ids, commit: true }, shards, signal);
    const { commitments, sig } = result;
    if (commitments === undefined || sig === undefined)
      throw malformed({ remote: peer, method: 'stage' }, 'the commitments that were asked for are missing');
    return { sent, claim: { upload, ids, commitments, holder: keyFromPeerId(peer), sig } };
  }

  async #stage(
    peer: string,
    request: StageRequest,
    shards: readonly OfferedShard[],
    signal: AbortSignal | undefined,
  ): Promise<{ readonly sent: number; readonly result: StageResult }> {
    const bytes = stageRequest.encode(request);
    const stream = await this.#opener.open(peer, 'stage', signal);
    const answer = await during(stream, async () => {
      await stream.write(bytes);
      const { wanted } = stageOffer.decode(await readReply(stream));
      if (!isCanonicalBitmap(wanted, shards.length)) throw malformed(stream, 'it wants shards that were not offered');
      const wantedShards = bitmapIndices(wanted).map((index) => shards[index] as OfferedShard);
      const result = stageResult.decode(await sendShards(stream, wantedShards));
      if (!equalBytes(result.hashes, request.ids)) throw malformed(stream, 'it stored something else than was sent');
      return { sent: wantedShards.length, result };
    });
    void stream.close();
    return answer;
  }

  /** One receipt per segment, in their order, each for the shards asked for and those the peer signed for before. */
  async finalize(
    peer: string,
    root: Uint8Array,
    segments: readonly FinalizeSegment[],
    signal?: AbortSignal,
    lease = false,
  ): Promise<StoreReceipt[]> {
    const request = finalizeRequest.encode({ root, segments, ...(lease ? { lease } : {}) });
    return this.#call(peer, 'finalize', request, signal, (body) => {
      const receipts = finalizeResponse.decode(body).receipts.map(decodeStoreReceipt);
      const holder = keyFromPeerId(peer);
      const rootId = nodeCid(root);
      const fits = receipts.every((receipt, i) => {
        const segment = segments[i];
        return (
          segment !== undefined &&
          equalBytes(receipt.holder, holder) &&
          receipt.root.equals(rootId) &&
          receipt.segment.equals(nodeCid(segment.node)) &&
          isSubsetOf(segment.indices, receipt.indices)
        );
      });
      return fits && receipts.length === segments.length ? receipts : 'its receipts are not for what was asked';
    });
  }

  /**
   * At most 256 shards, in the order in which the peer has them at hand; each index of the request comes once.
   * Leaving the loop early resets the stream.
   */
  async *fetch(
    peer: string,
    segment: CID,
    indices: Uint8Array,
    signal?: AbortSignal,
  ): AsyncGenerator<FetchedShard, void, undefined> {
    const request = fetchRequest.encode({ segment, indices });
    const stream = await this.#opener.open(peer, 'fetch', signal);
    let complete = false;
    try {
      await during(stream, async () => {
        await sendLast(stream, request);
        await readReply(stream);
      });
      const due = new Set(bitmapIndices(indices));
      while (due.size > 0) {
        const frame = await during(stream, () => readShard(stream));
        if (!due.delete(frame.index)) throw malformed(stream, `it sent shard ${frame.index} that was not asked for`);
        yield frame;
      }
      complete = true;
    } finally {
      if (complete) void stream.close();
      else stream.abort(new Error('no more shards are wanted'));
    }
  }

  /** What the peer holds of an object or of a segment, ascending by segment CID. */
  async *have(
    peer: string,
    query: { readonly root?: CID; readonly segment?: CID },
    signal?: AbortSignal,
  ): AsyncGenerator<HeldSegment, void, undefined> {
    const holder = keyFromPeerId(peer);
    let after: CID | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const request = haveRequest.encode(after === undefined ? query : { ...query, after });
      const last: CID | undefined = after;
      const { held, more } = await this.#call(peer, 'have', request, signal, (body) => {
        const response = haveResponse.decode(body);
        return pageFault(response, query, last) ?? response;
      });
      for (const { segment, indices, receipt: bytes } of held) {
        const receipt = checked(peer, 'have', () => {
          const decoded = decodeStoreReceipt(bytes);
          const fits = equalBytes(decoded.holder, holder) && decoded.segment.equals(segment);
          return fits ? decoded : 'a receipt is not of this peer for this segment';
        });
        yield { segment, indices, receipt };
      }
      if (!more) return;
      after = held.at(-1)?.segment;
    }
  }

  /** The release of an object, as far as the peer has one; its signature is not checked. */
  async released(peer: string, root: CID, signal?: AbortSignal): Promise<Release | undefined> {
    const { release } = await this.#call(peer, 'have', haveRequest.encode({ root, release: true }), signal, (body) =>
      haveResponse.decode(body),
    );
    if (release === undefined) return undefined;
    return checked(peer, 'have', () => {
      const decoded = decodeRelease(release);
      return decoded.root.equals(root) ? decoded : 'the release is of another object';
    });
  }

  /** The bytes of a node; they match the CID. */
  async manifest(peer: string, cid: CID, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#call(peer, 'manifest', manifestRequest.encode({ cid }), signal, (body) =>
      body.length <= MAX_NODE_BYTES && nodeCid(body).equals(cid) ? body : 'it sent another node than was asked for',
    );
  }

  /** @param onOpen told when the peer was reached, before the challenge is sent. */
  async audit(peer: string, request: AuditRequest, signal?: AbortSignal, onOpen?: () => void): Promise<AuditAnswer> {
    return this.#call(peer, 'audit', auditRequest.encode(request), signal, auditAnswer.decode, onOpen);
  }

  async release(peer: string, release: Release, signal?: AbortSignal): Promise<void> {
    const request = releaseRequest.encode({ release: encodeRelease(release) });
    await this.#call(peer, 'release', request, signal, (body) =>
      body.length === 0 ? body : 'its answer should be empty',
    );
  }

  /** One page of what the peer can prove about another, given by its public key. */
  async evidence(
    peer: string,
    about: Uint8Array,
    after: Uint8Array | undefined,
    signal?: AbortSignal,
  ): Promise<EvidenceResponse> {
    const request = evidenceRequest.encode(after === undefined ? { peer: about } : { peer: about, after });
    return this.#call(peer, 'evidence', request, signal, evidenceResponse.decode);
  }

  /** `read` returns the answer, or in words what is wrong with it. */
  async #call<T extends object>(
    peer: string,
    method: Method,
    request: Uint8Array,
    signal: AbortSignal | undefined,
    read: (body: Uint8Array) => T | string,
    onOpen?: () => void,
  ): Promise<T> {
    const body = await exchange(this.#opener, peer, method, request, signal, onOpen);
    return checked(peer, method, () => read(body));
  }
}

/** Sends the shards one after another, unless the peer answers before it has them all. Returns the last answer. */
async function sendShards(stream: FrameStream, shards: readonly OfferedShard[]): Promise<Uint8Array> {
  let answered = false;
  const answer = readReply(stream).finally(() => {
    answered = true;
  });
  answer.catch(() => {});
  try {
    for (const shard of shards) {
      const bytes = await shard.bytes();
      if (answered) break;
      await stream.write(bytes);
    }
    if (!answered) await stream.closeWrite();
  } catch (error) {
    // A peer that refuses may reset the stream once it has said why; why counts more.
    if (stream.failure === undefined) throw error;
  }
  return answer;
}

async function readShard(stream: FrameStream): Promise<FetchedShard> {
  const frame = await stream.read(METHODS.fetch.maxResponseShardBytes);
  if (frame === undefined) throw closedEarly(stream);
  return decodeShardFrame(frame);
}

function pageFault(
  { held }: HaveResponse,
  query: { readonly segment?: CID },
  after: CID | undefined,
): string | undefined {
  const first = held[0]?.segment;
  if (after !== undefined && first !== undefined && compareBytes(first.bytes, after.bytes) <= 0) {
    return 'its page does not continue the one before';
  }
  const foreign = held.some(({ segment }) => query.segment !== undefined && !segment.equals(query.segment));
  return foreign ? 'it lists a segment that was not asked for' : undefined;
}

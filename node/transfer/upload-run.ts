import type { CID } from 'multiformats/cid';
import type { Packer } from '../../protocol/blob.ts';
import { concat } from '../../protocol/bytes.ts';
import { nodeCid } from '../../protocol/cid.ts';
import type { ErasureCode } from '../../protocol/code.ts';
import { HASH_BYTES, MAX_NODE_BYTES, SHARD_BYTES } from '../../protocol/constants.ts';
import { type Aead, contentKey } from '../../protocol/frame.ts';
import { stripesPerSegment } from '../../protocol/geometry.ts';
import { encodeSegment, type SegmentStripe } from '../../protocol/segment.ts';
import { shardId } from '../shard-id.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { StripeClaims } from './claim-windows.ts';
import type { CommitmentPlan } from './commitment-plan.ts';
import type { Commitments } from './commitments.ts';
import type { StagedRecord, UploadJournal } from './journal.ts';
import type { Limiter } from './limiter.ts';
import type { OfferedShard } from './ports.ts';
import { sealStripe } from './seal.ts';
import type { ClaimedCommitment } from './stage-lane.ts';
import type { Delegated, Staging } from './staging.ts';
import type { PlainStripe, StripeReader } from './stripe-reader.ts';
import { TransferError } from './transfer-error.ts';

export interface UploadRunOptions {
  readonly journal: UploadJournal;
  readonly staging: Staging;
  readonly plan: CommitmentPlan;
  readonly commitments: Commitments;
  readonly encodes: Limiter;
  readonly code: ErasureCode;
  readonly aead: Aead;
  readonly packer: Packer;
  readonly pool: BufferPool;
  readonly controller: AbortController;
  readonly onStripe: (shards: number) => void;
}

/** The source is not what an earlier run encrypted under the same key. */
export class PlaintextChanged extends Error {
  readonly stripe: PlainStripe;

  constructor(stripe: PlainStripe) {
    super(`stripe ${stripe.index} is not what was read before`);
    this.stripe = stripe;
  }
}

/** A stripe sealed into its buffer. */
interface SealedStripe {
  readonly index: number;
  readonly data: readonly Uint8Array[];
  /** Fingerprints of the frames are durable. */
  readonly journalled: Promise<void>;
  readonly before: StagedRecord | undefined;
}

/** Segment CIDs take 41 bytes in a root of at most 1 MiB, beside a few hundred bytes of other fields. */
const MAX_SEGMENTS = Math.floor((MAX_NODE_BYTES - 1024) / 41);

/**
 * One pass over a source: read → journal → encrypt and pack → encode, commit and stage, many stripes at a time. The
 * buffers in the pool bound how many. What is sealed was journalled before: the journal knows every frame that this key
 * has encrypted.
 */
export class UploadRun {
  readonly #options: UploadRunOptions;
  readonly #contentKey: Uint8Array;
  readonly #stripes = new Map<number, SegmentStripe>();
  readonly #segments: CID[] = [];
  readonly #tasks = new Set<Promise<void>>();
  #closedStripes = 0;
  #closing: Promise<void> = Promise.resolve();
  #total: number | undefined;

  constructor(options: UploadRunOptions) {
    this.#options = options;
    this.#contentKey = contentKey(options.journal.head.key);
  }

  /**
   * Stores everything the source gives; `pending` is a stripe that was read already.
   * @returns the CIDs of the segments @throws PlaintextChanged, TransferError, PlacementError
   */
  async run(reader: StripeReader, pending?: PlainStripe): Promise<CID[]> {
    const { controller, pool } = this.#options;
    const { signal } = controller;
    try {
      let plain = pending;
      do {
        const buffer = await pool.acquire(signal);
        try {
          plain ??= await reader.next(signal);
          if (plain === undefined) break;
          const sealed = await this.#seal(plain, buffer);
          this.#launch(sealed, buffer);
        } catch (error) {
          pool.release(buffer);
          throw error;
        }
        if (plain.last) break;
        plain = undefined;
      } while (!signal.aborted);
      this.#options.commitments.end();
      await Promise.all(this.#tasks);
      signal.throwIfAborted();
      await this.#closing;
      return this.#segments;
    } catch (error) {
      // The first failure aborts the rest; what the rest says afterwards is its echo.
      if (!signal.aborted) controller.abort(error);
      await Promise.allSettled(this.#tasks);
      throw signal.reason;
    }
  }

  #launch(sealed: SealedStripe, buffer: Uint8Array): void {
    const { controller, pool, commitments } = this.#options;
    const claims = commitments.enter();
    const task = this.#store(sealed, claims)
      .catch((error) => {
        controller.abort(error);
        throw error;
      })
      .finally(() => {
        pool.release(buffer);
        claims.leave();
        this.#tasks.delete(task);
      });
    task.catch(() => {});
    this.#tasks.add(task);
  }

  /** Compares with the journal, journals and encrypts. Sequential, so that a changed source stops before what follows it. */
  async #seal(plain: PlainStripe, buffer: Uint8Array): Promise<SealedStripe> {
    const { journal } = this.#options;
    const { index, frames, last } = plain;
    const { k } = journal.head.code;
    this.#checkSize(index);
    const first = index * k;
    let journalled = Promise.resolve();
    let before: StagedRecord | undefined;
    if (journal.head.sourceId !== undefined) {
      const fingerprints = journal.fingerprints(first, frames, last);
      const found = await journal.compare(index, fingerprints, last);
      if (found === 'changed') throw new PlaintextChanged(plain);
      if (found === 'new') journalled = journal.sealed(index, fingerprints, last);
      else before = await journal.readStaged(index);
      journalled.catch(() => {});
    }
    if (last) this.#total = index + 1;
    return {
      index,
      data: sealStripe(this.#options, this.#contentKey, first, frames, last, buffer),
      journalled,
      before,
    };
  }

  #checkSize(index: number): void {
    if (index < MAX_SEGMENTS * stripesPerSegment(this.#options.journal.head.code)) return;
    const limit = MAX_SEGMENTS;
    throw new TransferError({ code: 'too-large', limit }, `the source needs more than ${limit} segments: split it`);
  }

  async #store({ index, data, journalled, before }: SealedStripe, claims: StripeClaims): Promise<void> {
    const { journal, code, commitments, encodes, controller, plan, staging } = this.#options;
    const { k, m } = journal.head.code;
    const mode = before === undefined ? plan.next() : 'known';
    // A byte code's parity has commitments of its own, which can be made only when the parity is there.
    const early = mode === 'local' ? commitments.make(data) : undefined;
    early?.catch(() => {});
    const parity = await encodes.run(() => code.encode(data, k, m, controller.signal), controller.signal);
    const late = mode === 'local' && code.id === 2 ? commitments.make(parity) : undefined;
    late?.catch(() => {});
    const h = before?.h ?? concat(...(code.id === 0 ? data : [...data, ...parity]).map(shardId));
    await journalled;
    const perSegment = stripesPerSegment({ k });
    const shards = offered(code.id, h, data, parity, k);
    const delegation =
      mode === 'delegated' ? new Delegation(commitments, claims, listed(code.id, shards, k)) : undefined;
    const stripe = {
      segment: Math.floor(index / perSegment),
      stripe: index % perSegment,
      dataCount: data.length,
      shards,
      ...(delegation === undefined ? {} : { delegated: delegation }),
    };
    // Who brings no claims must not be waited for by those who do.
    if (delegation === undefined) await claims.check([]);
    const stage = () => staging.stage(stripe);
    const [, local] = await Promise.all([
      mode === 'local' ? plan.leaving.measure(data.length, stage) : stage(),
      (async () => concat(...((await early) ?? []), ...((await late) ?? [])))(),
    ]);
    const c = before?.c ?? delegation?.commitments ?? local;
    if (before === undefined && journal.head.sourceId !== undefined) await journal.staged(index, { c, h });
    this.#options.onStripe(shards.size);
    await this.#collect(index, { c, h });
  }

  /** Stripes end in any order; a segment is written once all of its stripes are there. */
  async #collect(index: number, stripe: SegmentStripe): Promise<void> {
    this.#stripes.set(index, stripe);
    const perSegment = stripesPerSegment(this.#options.journal.head.code);
    for (;;) {
      const end = Math.min(this.#closedStripes + perSegment, this.#total ?? Number.POSITIVE_INFINITY);
      let complete = end > this.#closedStripes;
      for (let s = this.#closedStripes; complete && s < end; s++) complete = this.#stripes.has(s);
      if (!complete) break;
      const stripes: SegmentStripe[] = [];
      for (let s = this.#closedStripes; s < end; s++) {
        stripes.push(this.#stripes.get(s) as SegmentStripe);
        this.#stripes.delete(s);
      }
      this.#closedStripes = end;
      this.#closing = this.#closing.then(() => this.#close(stripes));
    }
    await this.#closing;
  }

  async #close(stripes: SegmentStripe[]): Promise<void> {
    const { journal, staging } = this.#options;
    const i = this.#segments.length;
    const node = encodeSegment({ i, stripes }, journal.head.code);
    this.#segments.push(nodeCid(node));
    await journal.segment(i, { node, placed: await staging.close(i) });
  }
}

/** What the holders of one stripe are to commit, and what came of it. */
class Delegation implements Delegated {
  readonly #commitments: Commitments;
  readonly #claims: StripeClaims;
  readonly #shards: ReadonlyMap<number, OfferedShard>;
  #result: ReadonlyMap<number, Uint8Array> | undefined;

  constructor(commitments: Commitments, claims: StripeClaims, shards: ReadonlyMap<number, OfferedShard>) {
    this.#commitments = commitments;
    this.#claims = claims;
    this.#shards = shards;
  }

  get positions(): ReadonlySet<number> {
    return new Set(this.#shards.keys());
  }

  async check(claims: ReadonlyMap<number, ClaimedCommitment>): Promise<ReadonlySet<number>> {
    const blobs = new Map(
      [...this.#shards].map(([position, { id, bytes }]) => [position, { id, blob: bytes() }] as const),
    );
    const { commitments, liars } = await this.#commitments.settle(this.#claims, blobs, claims);
    this.#result = commitments;
    return liars;
  }

  /** As the segment lists them; undefined before the check. */
  get commitments(): Uint8Array | undefined {
    const found = this.#result;
    return found && concat(...[...this.#shards.keys()].map((position) => found.get(position) as Uint8Array));
  }
}

/** The shards whose commitments a segment lists, in its order (protocol v1 §3). */
function listed(
  id: ErasureCode['id'],
  shards: ReadonlyMap<number, OfferedShard>,
  k: number,
): ReadonlyMap<number, OfferedShard> {
  if (id === 2) return shards;
  return new Map([...shards].filter(([position]) => position < k));
}

function offered(
  id: ErasureCode['id'],
  h: Uint8Array,
  data: readonly Uint8Array[],
  parity: readonly Uint8Array[],
  k: number,
): Map<number, OfferedShard> {
  const shards = new Map<number, OfferedShard>();
  for (const [i, shard] of [...data, ...parity].entries()) {
    const slot = id === 0 ? 0 : i;
    const position = i < data.length ? i : k + i - data.length;
    shards.set(position, { id: h.subarray(slot * HASH_BYTES, (slot + 1) * HASH_BYTES), bytes: () => shard });
  }
  return shards;
}

/** Stripes in flight: at least two, and as many as fit the buffers (data and parity) into `maxBytes`. */
export function stripesInFlight(width: number, maxBytes: number): number {
  return Math.min(64, Math.max(2, Math.floor(maxBytes / (width * SHARD_BYTES))));
}

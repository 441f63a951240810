import { equalBytes } from '../../protocol/bytes.ts';
import { MAX_SHARDS_PER_CALL } from '../../protocol/constants.ts';
import { CodedError } from '../../protocol/errors.ts';
import { claimedCommitment, type SignedClaim, verifyStageClaim } from '../../protocol/stage-claim.ts';
import type { Clock } from '../clock.ts';
import { keyFromPeerId } from '../network/peer-key.ts';
import { judgeFailure, retryPause } from './failure.ts';
import type { Limiter } from './limiter.ts';
import type { OfferedShard, StageClient } from './ports.ts';
import { TransferError } from './transfer-error.ts';

/** Calls in flight to one holder: one transmits while the other waits for the disk. */
const CALLS_PER_HOLDER = 2;
/** 8 MiB a call: what waits goes together, without making the first shard wait for the last for long. */
const MAX_BATCH = Math.min(64, MAX_SHARDS_PER_CALL);

/** More of a claim than this would make one wrong commitment spoil much evidence, and a slow engine miss its time. */
const MAX_CLAIM = 16;

/** A shard's commitment, as its holder claims it under its signature. */
export interface ClaimedCommitment {
  readonly peer: string;
  readonly claim: SignedClaim;
  readonly commitment: Uint8Array;
}

interface Offer {
  readonly shard: OfferedShard;
  readonly commit: boolean;
  readonly resolve: (claimed: ClaimedCommitment | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export interface LaneOptions {
  readonly client: StageClient;
  readonly clock: Clock;
  /** 16 bytes. */
  readonly upload: Uint8Array;
  readonly signal: AbortSignal;
  /** Bounds the calls of all lanes together. */
  readonly calls: Limiter;
  /** Of `offered` shards the holder had all but `sent`. */
  readonly onStaged: (offered: number, sent: number) => void;
}

/**
 * Shards on their way to one holder. What waits while calls are in flight goes in the next call together, so that a
 * fast upload makes few calls and a slow one does not wait to fill them.
 * After the last failed attempt the lane stays failed: everything offered is refused with the error.
 */
export class StageLane {
  readonly peer: string;
  readonly #options: LaneOptions;
  #waiting: Offer[] = [];
  #calls = 0;
  #scheduled = false;
  #failure: { readonly error: unknown } | undefined;
  /** The holder does not commit for others, or has no time for it. */
  #declines = false;

  constructor(peer: string, options: LaneOptions) {
    this.peer = peer;
    this.#options = options;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /**
   * Resolves once the shard is durable on the holder; with its claim of the commitment when that was asked for and the
   * holder commits for others.
   */
  async offer(shard: OfferedShard, commit: boolean): Promise<ClaimedCommitment | undefined> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const { promise, resolve, reject } = Promise.withResolvers<ClaimedCommitment | undefined>();
    this.#waiting.push({ shard, commit, resolve, reject });
    this.#schedule();
    return promise;
  }

  /** From here on everything offered is refused with this error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** After the current tick, so that shards offered together travel together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#calls < CALLS_PER_HOLDER && this.#waiting.length > 0) void this.#call(this.#next());
    });
  }

  /** What travels together: what has waited longest, and what is like it. */
  #next(): Offer[] {
    const commit = this.#waiting[0]?.commit ?? false;
    const limit = commit ? MAX_CLAIM : MAX_BATCH;
    const batch = new Set(this.#waiting.filter((offer) => offer.commit === commit).slice(0, limit));
    this.#waiting = this.#waiting.filter((offer) => !batch.has(offer));
    return [...batch];
  }

  async #call(batch: Offer[]): Promise<void> {
    this.#calls++;
    try {
      const shards = batch.map(({ shard }) => shard);
      const { sent, claim } = await this.#attempt(shards, batch[0]?.commit === true);
      this.#options.onStaged(shards.length, sent);
      for (const [i, { resolve }] of batch.entries()) {
        resolve(claim && { peer: this.peer, claim, commitment: claimedCommitment(claim, i) });
      }
    } catch (error) {
      this.fail(error);
      for (const { reject } of batch) reject(error);
    } finally {
      this.#calls--;
      this.#schedule();
    }
  }

  async #attempt(shards: readonly OfferedShard[], commit: boolean): Promise<StagedShards> {
    const { calls, client, clock, upload, signal } = this.#options;
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      const asking = commit && !this.#declines;
      try {
        return await calls.run(async () => {
          // While this call waited for its turn, another one may have found the holder out.
          if (this.#failure !== undefined) throw this.#failure.error;
          return asking ? await this.#claim(shards) : await client.stage(this.peer, upload, shards, signal);
        }, signal);
      } catch (error) {
        const pause = this.failed || signal.aborted ? undefined : retryPause(error, attempt, clock.now());
        const declined = asking && !this.failed && !signal.aborted && declines(error, pause);
        if (pause === undefined && !declined) throw error;
        if (declined) this.#declines = true;
        else await clock.sleep(pause as number, signal);
      }
    }
  }

  async #claim(shards: readonly OfferedShard[]): Promise<StagedShards> {
    const { client, upload, signal } = this.#options;
    const { peer } = this;
    const staged = await client.stageAndCommit(peer, upload, shards, signal);
    if (equalBytes(staged.claim.holder, keyFromPeerId(peer)) && verifyStageClaim(staged.claim)) return staged;
    throw new TransferError({ code: 'bad-claim', peer }, `the commitments that ${peer} claims are not signed by it`);
  }
}

interface StagedShards {
  readonly sent: number;
  readonly claim?: SignedClaim;
}

/**
 * Whether a holder does not commit for us: it says so, or it was busy, or silent, for as long as anybody waits. A slow one
 * may have stored everything long ago: asked to store only, it says so at once.
 */
function declines(error: unknown, pause: number | undefined): boolean {
  if (error instanceof CodedError && error.code === 'refused-not-allowed') return true;
  const { kind } = judgeFailure(error);
  return pause === undefined && (kind === 'busy' || kind === 'silent');
}

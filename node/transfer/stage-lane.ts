import { MAX_SHARDS_PER_CALL } from '../../protocol/constants.ts';
import type { Clock } from '../clock.ts';
import { retryPause } from './failure.ts';
import type { OfferedShard, StageClient } from './ports.ts';

/** Calls in flight to one holder: one transmits while the other waits for the disk. */
const CALLS_PER_HOLDER = 2;
/** 8 MiB a call: what waits goes together, without making the first shard wait for the last for long. */
const MAX_BATCH = Math.min(64, MAX_SHARDS_PER_CALL);

interface Offer {
  readonly shard: OfferedShard;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface LaneOptions {
  readonly client: StageClient;
  readonly clock: Clock;
  /** 16 bytes. */
  readonly upload: Uint8Array;
  readonly signal: AbortSignal;
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

  constructor(peer: string, options: LaneOptions) {
    this.peer = peer;
    this.#options = options;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Resolves once the shard is durable on the holder. */
  async offer(shard: OfferedShard): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ shard, resolve, reject });
    this.#schedule();
    await promise;
  }

  /** After the current tick, so that shards offered together travel together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#calls < CALLS_PER_HOLDER && this.#waiting.length > 0)
        void this.#call(this.#waiting.splice(0, MAX_BATCH));
    });
  }

  async #call(batch: Offer[]): Promise<void> {
    this.#calls++;
    try {
      const shards = batch.map(({ shard }) => shard);
      const { sent } = await this.#attempt(shards);
      this.#options.onStaged(shards.length, sent);
      for (const { resolve } of batch) resolve();
    } catch (error) {
      this.#failure ??= { error };
      for (const { reject } of [...batch, ...this.#waiting.splice(0)]) reject(error);
    } finally {
      this.#calls--;
      this.#schedule();
    }
  }

  async #attempt(shards: readonly OfferedShard[]): Promise<{ readonly sent: number }> {
    const { client, clock, upload, signal } = this.#options;
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      try {
        return await client.stage(this.peer, upload, shards, signal);
      } catch (error) {
        const pause = this.failed || signal.aborted ? undefined : retryPause(error, attempt, clock.now());
        if (pause === undefined) throw error;
        await clock.sleep(pause, signal);
      }
    }
  }
}

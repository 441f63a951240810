import { concat } from '../../protocol/bytes.ts';
import type { Clock } from '../clock.ts';
import { KzgError } from '../kzg/engine.ts';
import { RequestRefused } from '../network/errors.ts';
import { StoreError } from '../store/errors.ts';
import type { ShardReader } from '../store/shard-types.ts';
import { refuse } from './handler.ts';
import { storeRefusal } from './store-refusal.ts';

export interface CommitmentDeps {
  readonly shards: ShardReader;
  readonly engine: { commit(blob: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> };
  readonly clock: Clock;
  /** Told of a shard whose bytes turned out to be damaged. */
  readonly onDamaged: (id: Uint8Array) => void;
}

/** Shards of one call held for their commitments: 1 MiB, and enough to keep the engine busy between two frames. */
const IN_FLIGHT = 8;
/** Who finds the engine full comes back when some of it is done. */
const BUSY_MS = 1_000;

/** The commitments of the shards of one `stage` call, made while the next shards come in. */
export class StageCommitments {
  readonly #deps: CommitmentDeps;
  readonly #ids: readonly Uint8Array[];
  readonly #signal: AbortSignal;
  readonly #commitments = new Map<number, Uint8Array>();
  readonly #running = new Set<Promise<void>>();

  constructor(deps: CommitmentDeps, ids: readonly Uint8Array[], signal: AbortSignal) {
    this.#deps = deps;
    this.#ids = ids;
    this.#signal = signal;
  }

  /** Resolves as soon as there is room for another one, so that whoever sends faster is slowed down. */
  async add(position: number, shard: Uint8Array): Promise<void> {
    const running = this.#commit(position, shard).finally(() => this.#running.delete(running));
    running.catch(() => {});
    this.#running.add(running);
    while (this.#running.size >= IN_FLIGHT) await Promise.race(this.#running);
  }

  /** One commitment per id, in their order; what did not come over the wire is read from the store. */
  async finish(): Promise<Uint8Array> {
    await Promise.all(this.#running);
    for (const [position, id] of this.#ids.entries()) {
      if (!this.#commitments.has(position)) await this.add(position, await this.#read(id));
    }
    await Promise.all(this.#running);
    return concat(...this.#ids.map((_, position) => this.#commitments.get(position) as Uint8Array));
  }

  async #commit(position: number, shard: Uint8Array): Promise<void> {
    this.#commitments.set(position, await this.#deps.engine.commit(shard, this.#signal));
  }

  async #read(id: Uint8Array): Promise<Uint8Array> {
    try {
      const shard = await this.#deps.shards.get(id, this.#signal);
      if (shard !== undefined) return shard;
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'damaged') throw error;
    }
    this.#deps.onDamaged(id);
    // Asked again, this node wants the bytes.
    throw busy(this.#deps.clock);
  }
}

/** What a failure of the store or of the engine means to the caller; what is none of its business stays as it is. */
export function stageRefusal(error: unknown, clock: Clock): unknown {
  if (!(error instanceof KzgError)) return storeRefusal(error);
  if (error.code === 'queue-full') return busy(clock);
  if (error.code === 'non-canonical-element') return refuse('invalid-request', 'not-a-blob', error.message);
  return error;
}

function busy(clock: Clock): RequestRefused {
  return new RequestRefused({ status: 'busy', retryAt: clock.now() + BUSY_MS });
}

import { concat } from '../../protocol/bytes.ts';
import type { Clock } from '../clock.ts';
import { KzgError } from '../kzg/engine.ts';
import { RequestRefused } from '../network/errors.ts';
import { StoreError } from '../store/errors.ts';
import type { ShardReader } from '../store/shard-types.ts';
import { Turns } from '../turns.ts';
import { type Caller, refuse } from './handler.ts';
import { storeRefusal } from './store-refusal.ts';

export interface CommitmentDeps {
  readonly shards: ShardReader;
  readonly engine: { readonly threads: number; commit(blob: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> };
  readonly clock: Clock;
  /** Told of a shard whose bytes turned out to be damaged. */
  readonly onDamaged: (id: Uint8Array) => void;
}

/** Shards of one call held for their commitments: 1 MiB, and enough to keep the engine busy between two frames. */
const IN_FLIGHT = 8;
/** Who finds the engine full comes back when some of it is done. */
const BUSY_MS = 1_000;

/**
 * Commitments made for others at a time, over all calls. A commitment of what is here already costs its caller 32 bytes,
 * so that anybody can ask for more than this node can do: its own work then waits for a few of them, not for all, and
 * every caller gets its share. Places to wait: those of all calls that are served at once, and of all calls of a peer.
 */
export function commitTurns({ threads }: CommitmentDeps['engine']): Turns {
  return new Turns({ running: 2 * threads, waiting: 48 * IN_FLIGHT, waitingPerKey: 8 * IN_FLIGHT });
}

/** The commitments of the shards of one `stage` call, made while the next shards come in. */
export class StageCommitments {
  readonly #deps: CommitmentDeps;
  readonly #turns: Turns;
  readonly #ids: readonly Uint8Array[];
  readonly #caller: Caller;
  readonly #commitments = new Map<number, Uint8Array>();
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(deps: CommitmentDeps, turns: Turns, ids: readonly Uint8Array[], caller: Caller) {
    this.#deps = deps;
    this.#turns = turns;
    this.#ids = ids;
    this.#caller = caller;
  }

  /** Resolves as soon as there is room for another one, so that whoever sends faster is slowed down. Fails at the end. */
  async add(position: number, shard: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return;
    const running = this.#commit(position, shard)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
    while (this.#running.size >= IN_FLIGHT) await Promise.race(this.#running);
  }

  /**
   * One commitment per id, in their order; what did not come over the wire is read from the store.
   * @throws the first failure
   */
  async finish(): Promise<Uint8Array> {
    await this.#settled();
    for (const [position, id] of this.#ids.entries()) {
      if (this.#failure !== undefined) break;
      if (!this.#commitments.has(position)) await this.add(position, await this.#read(id));
    }
    await this.#settled();
    return concat(...this.#ids.map((_, position) => this.#commitments.get(position) as Uint8Array));
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #commit(position: number, shard: Uint8Array): Promise<void> {
    const { engine, clock } = this.#deps;
    const { remote, signal } = this.#caller;
    const endTurn = await this.#turns.take(remote, signal);
    if (endTurn === undefined) throw busy(clock);
    try {
      this.#commitments.set(position, await engine.commit(shard, signal));
    } finally {
      endTurn();
    }
  }

  async #read(id: Uint8Array): Promise<Uint8Array> {
    try {
      const shard = await this.#deps.shards.get(id, this.#caller.signal);
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

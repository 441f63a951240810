import type { Clock } from '../clock.ts';
import type { Ban } from '../store/ban-store.ts';
import { PlacementError } from './placement-error.ts';

export interface BansOptions {
  readonly store: {
    put(ban: Ban): Promise<void>;
    remove(peer: string): Promise<void>;
    list(signal?: AbortSignal): AsyncIterable<Ban>;
  };
  readonly clock: Pick<Clock, 'now'>;
  readonly onBanned?: (ban: Ban) => void;
  readonly onUnbanned?: (peer: string) => void;
  readonly maxBans?: number;
}

const DEFAULT_MAX_BANS = 10_000;

/** Peers that the operator banned; on disk, and in memory for who asks at every draw and request. */
export class Bans {
  readonly #options: BansOptions;
  readonly #bans = new Map<string, Ban>();
  #writing: Promise<unknown> = Promise.resolve();

  constructor(options: BansOptions) {
    this.#options = options;
  }

  /** Reads what was banned before; before the node listens. */
  async start(): Promise<void> {
    for await (const ban of this.#options.store.list()) this.#bans.set(ban.peer, ban);
    await this.#forgetEnded();
  }

  /** Waits for what is being written. */
  async stop(): Promise<void> {
    await this.#writing;
  }

  isBanned(peer: string): boolean {
    return this.get(peer) !== undefined;
  }

  /** The ban of a peer that has not ended. */
  get(peer: string): Ban | undefined {
    const ban = this.#bans.get(peer);
    return ban === undefined || this.#hasEnded(ban) ? undefined : ban;
  }

  /** The newest first. */
  list(): Ban[] {
    return [...this.#bans.values()].filter((ban) => !this.#hasEnded(ban)).sort((a, b) => b.at - a.at);
  }

  /**
   * Durable on return; takes the place of an earlier ban.
   *
   * @param forMs how long it holds; absent: until it is lifted
   * @throws PlacementError too-many-bans
   */
  ban(peer: string, { reason, forMs }: { readonly reason?: string; readonly forMs?: number } = {}): Promise<Ban> {
    return this.#inTurn(async () => {
      const { store, clock, onBanned, maxBans = DEFAULT_MAX_BANS } = this.#options;
      await this.#forgetEnded();
      if (!this.#bans.has(peer) && this.#bans.size >= maxBans) throw tooManyBans(maxBans);
      const at = clock.now();
      const ban: Ban = {
        peer,
        at,
        ...(forMs === undefined ? {} : { until: at + forMs }),
        ...(reason === undefined ? {} : { reason }),
      };
      await store.put(ban);
      this.#bans.set(peer, ban);
      onBanned?.(ban);
      return ban;
    });
  }

  /** Durable on return. @returns whether the peer was banned */
  unban(peer: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const banned = this.isBanned(peer);
      await this.#forget(peer);
      if (banned) this.#options.onUnbanned?.(peer);
      return banned;
    });
  }

  async #forgetEnded(): Promise<void> {
    for (const ban of this.#bans.values()) if (this.#hasEnded(ban)) await this.#forget(ban.peer);
  }

  async #forget(peer: string): Promise<void> {
    if (!this.#bans.has(peer)) return;
    await this.#options.store.remove(peer);
    this.#bans.delete(peer);
  }

  #hasEnded({ until }: Ban): boolean {
    return until !== undefined && this.#options.clock.now() >= until;
  }

  /** One change at a time, so that memory and disk agree on the last one. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#writing.then(work);
    this.#writing = mine.catch(() => {});
    return mine;
  }
}

function tooManyBans(maximum: number): PlacementError {
  const message = `${maximum} peers are banned, and no more can be: lift some bans, or set placement.allow`;
  return new PlacementError({ code: 'too-many-bans', maximum }, message);
}

import { subnetOf } from './subnet.ts';

/** What a peer said about itself in its last signed advert. Sizes in bytes. */
export interface Advertised {
  readonly peer: string;
  readonly capacity: number;
  readonly free: number;
  /** Empty when the peer names none. */
  readonly region: string;
  readonly addresses: readonly string[];
}

export interface Candidate {
  readonly peer: string;
  readonly capacity: number;
  /** As advertised, less what has been promised to the peer since. */
  readonly free: number;
  readonly region: string;
  /** Undefined when no IP address of the peer is known. */
  readonly subnet: string | undefined;
  readonly online: boolean;
  readonly banned: boolean;
  /** 0 … 1; 0.5 is neutral. */
  readonly reputation: number;
}

export interface CandidateTableOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** An advert older than this no longer counts; three missed adverts of one per minute by default. */
  readonly maxAgeMs?: number;
  readonly maxEntries?: number;
  readonly reputationOf?: (peer: string) => number;
  readonly isBanned?: (peer: string) => boolean;
}

interface Entry {
  advert: Advertised;
  seenAt: number;
  promised: number;
}

const DEFAULT_MAX_AGE_MS = 200_000;
const DEFAULT_MAX_ENTRIES = 10_000;
/** Reputation of everyone until the reputation service says otherwise. */
export const NEUTRAL_REPUTATION = 0.5;

/**
 * Peers that could hold shards, fed by adverts and by connections.
 * A peer is online while it is connected or its last advert is young. The table is bounded: the oldest advert leaves first.
 */
export class CandidateTable {
  readonly #entries = new Map<string, Entry>();
  readonly #connections = new Map<string, string>();
  readonly #options: CandidateTableOptions;

  constructor(options: CandidateTableOptions) {
    this.#options = options;
  }

  /** A fresh advert: replaces the one before, and with it what was promised since. */
  advertised(advert: Advertised): void {
    this.#entries.delete(advert.peer);
    this.#entries.set(advert.peer, { advert, seenAt: this.#options.now(), promised: 0 });
    const max = this.#options.maxEntries ?? DEFAULT_MAX_ENTRIES;
    for (const peer of this.#entries.keys()) {
      if (this.#entries.size <= max) break;
      this.#entries.delete(peer);
    }
  }

  /** `address` is the remote address of the connection: what we see counts more than what is advertised. */
  connected(peer: string, address: string): void {
    this.#connections.set(peer, address);
  }

  disconnected(peer: string): void {
    this.#connections.delete(peer);
  }

  /** A peer that could not be reached: out until its next advert or connection. */
  unreachable(peer: string): void {
    this.#connections.delete(peer);
    const entry = this.#entries.get(peer);
    if (entry !== undefined) entry.seenAt = Number.NEGATIVE_INFINITY;
  }

  /** Counts bytes given to a peer against its advertised space, until the next advert tells the new figure. */
  promised(peer: string, bytes: number): void {
    const entry = this.#entries.get(peer);
    if (entry !== undefined) entry.promised += bytes;
  }

  remove(peer: string): void {
    this.#entries.delete(peer);
    this.#connections.delete(peer);
  }

  get(peer: string): Candidate | undefined {
    const entry = this.#entries.get(peer);
    return entry && this.#view(peer, entry);
  }

  list(): Candidate[] {
    return [...this.#entries].map(([peer, entry]) => this.#view(peer, entry));
  }

  #view(peer: string, { advert, seenAt, promised }: Entry): Candidate {
    const { now, maxAgeMs = DEFAULT_MAX_AGE_MS, reputationOf, isBanned } = this.#options;
    const address = this.#connections.get(peer);
    const subnets = [...(address === undefined ? [] : [address]), ...advert.addresses].map(subnetOf);
    return {
      peer,
      capacity: advert.capacity,
      free: Math.max(0, advert.free - promised),
      region: advert.region,
      subnet: subnets.find((subnet) => subnet !== undefined),
      online: address !== undefined || now() - seenAt <= maxAgeMs,
      banned: isBanned?.(peer) ?? false,
      reputation: reputationOf?.(peer) ?? NEUTRAL_REPUTATION,
    };
  }
}

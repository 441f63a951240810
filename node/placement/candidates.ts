import type { Clock } from '../clock.ts';
import { type Standing, scoreOf } from '../reputation/standing.ts';
import type { Listing } from './peer-lists.ts';
import { isSuspended } from './standing.ts';
import { subnetOf, UNVERIFIED_SUBNET } from './subnet.ts';

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
  /** As declared, when that is plausible; empty otherwise. Spread goes by it. */
  readonly region: string;
  readonly declaredRegion: string;
  /** Of the address at which the peer was last seen; one for all that were never seen at one. */
  readonly subnet: string;
  readonly online: boolean;
  readonly banned: boolean;
  readonly listing: Listing | undefined;
  /** 0 … 1; a newcomer has 0.5. */
  readonly integrity: number;
  /** 0 … 1: integrity and availability in one figure, for the draw. */
  readonly reputation: number;
  readonly vetted: boolean;
  /** A proof of it failed not long ago. */
  readonly suspended: boolean;
  readonly disqualified: boolean;
}

/** What counts when holders are kept apart. */
export type Place = Pick<Candidate, 'subnet' | 'region' | 'vetted'>;

export interface CandidateTableOptions {
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  /** An advert older than this no longer counts; three missed adverts of one per minute by default. */
  readonly maxAgeMs?: number;
  readonly maxEntries?: number;
  readonly standingOf: (peer: string) => Standing;
  readonly isBanned?: (peer: string) => boolean;
  readonly listingOf?: (peer: string) => Listing | undefined;
  /** Whether what was measured speaks against the region that a peer declares. */
  readonly doubtsRegion?: (peer: string, region: string) => boolean;
  /** How long a proven integrity failure keeps a peer from getting new shards. */
  readonly suspensionMs?: number;
}

interface Entry {
  advert: Advertised;
  seenAt: number;
  promised: number;
}

const DEFAULT_MAX_AGE_MS = 200_000;
const DEFAULT_MAX_ENTRIES = 10_000;
const DEFAULT_SUSPENSION_MS = 30 * 24 * 60 * 60_000;

/**
 * Peers that could hold shards, fed by adverts and by connections.
 * A peer is online while it is connected or its last advert is young. The table is bounded: the oldest advert leaves first.
 */
export class CandidateTable {
  readonly #entries = new Map<string, Entry>();
  readonly #connected = new Set<string>();
  /** Where peers were last seen, in the order of that. */
  readonly #observed = new Map<string, string>();
  readonly #options: CandidateTableOptions;

  constructor(options: CandidateTableOptions) {
    this.#options = options;
  }

  /** A fresh advert: replaces the one before, and with it what was promised since. */
  advertised(advert: Advertised): void {
    this.#entries.delete(advert.peer);
    this.#entries.set(advert.peer, { advert, seenAt: this.#options.clock.monotonic(), promised: 0 });
    this.#bound(this.#entries);
  }

  /** `address` is the remote address of the connection: what a peer says of itself would let it choose its subnet. */
  connected(peer: string, address: string): void {
    this.#connected.add(peer);
    this.#observed.delete(peer);
    this.#observed.set(peer, address);
    this.#bound(this.#observed);
  }

  disconnected(peer: string): void {
    this.#connected.delete(peer);
  }

  /** A peer that could not be reached: out until its next advert or connection. */
  unreachable(peer: string): void {
    this.#connected.delete(peer);
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
    this.#connected.delete(peer);
    this.#observed.delete(peer);
  }

  get(peer: string): Candidate | undefined {
    const entry = this.#entries.get(peer);
    return entry && this.#view(peer, entry);
  }

  /** Of a holder, also one whose advert has not come: where nothing is known of it, it is in nobody's way. */
  placeOf(peer: string): Place {
    const { vetted } = this.#options.standingOf(peer);
    return this.get(peer) ?? { subnet: this.subnetOf(peer) ?? peer, region: '', vetted };
  }

  /** Where the peer was last seen; undefined when it never was at an IP address. */
  subnetOf(peer: string): string | undefined {
    const address = this.#observed.get(peer);
    return address === undefined ? undefined : subnetOf(address);
  }

  list(): Candidate[] {
    return [...this.#entries].map(([peer, entry]) => this.#view(peer, entry));
  }

  #bound(map: Map<string, unknown>): void {
    const max = this.#options.maxEntries ?? DEFAULT_MAX_ENTRIES;
    for (const peer of map.keys()) {
      if (map.size <= max) break;
      map.delete(peer);
    }
  }

  #view(peer: string, { advert, seenAt, promised }: Entry): Candidate {
    const options = this.#options;
    const { clock, maxAgeMs = DEFAULT_MAX_AGE_MS, suspensionMs = DEFAULT_SUSPENSION_MS } = options;
    const standing = options.standingOf(peer);
    const doubted = options.doubtsRegion?.(peer, advert.region) ?? false;
    return {
      peer,
      capacity: advert.capacity,
      free: Math.max(0, advert.free - promised),
      region: doubted ? '' : advert.region,
      declaredRegion: advert.region,
      subnet: this.subnetOf(peer) ?? UNVERIFIED_SUBNET,
      online: this.#connected.has(peer) || clock.monotonic() - seenAt <= maxAgeMs,
      banned: options.isBanned?.(peer) ?? false,
      listing: options.listingOf?.(peer),
      integrity: standing.integrity,
      reputation: scoreOf(standing),
      vetted: standing.vetted,
      suspended: isSuspended(standing, clock.now(), suspensionMs),
      disqualified: standing.disqualified,
    };
  }
}

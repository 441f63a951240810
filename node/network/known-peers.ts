import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { KnownPeer, PeerStore } from '../store/peer-store.ts';

export interface AdvertisedPeer {
  /** Program and version. */
  readonly agent: string;
  /** Multiaddrs with the peer's id. */
  readonly addresses: readonly string[];
}

/** Peers dialled again after a restart, the last seen first. */
const MAX_REDIALED = 16;
/** Peers remembered on disk and in memory. */
const MAX_KNOWN = 2_000;
/** New records between two looks at how many there are: identities cost nothing, so that there may be any number. */
const PRUNE_EVERY = 500;
/** A peer's record is written again at most this often. */
const WRITE_EVERY_MS = 10 * 60_000;

/** Remembers what peers advertised, in memory and, for a restart, on disk. */
export class KnownPeers {
  readonly #store: Pick<PeerStore, 'put' | 'list' | 'prune'>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #adverts = new Map<string, AdvertisedPeer & { readonly writtenAt: number }>();
  #writing: Promise<unknown> = Promise.resolve();
  #written = 0;

  constructor(store: Pick<PeerStore, 'put' | 'list' | 'prune'>, clock: Clock, log: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  get(peer: string): AdvertisedPeer | undefined {
    return this.#adverts.get(peer);
  }

  /** One address of each of the peers seen last, as they were before this start. */
  async addresses(): Promise<string[]> {
    await this.#store.prune(MAX_KNOWN);
    const known: KnownPeer[] = [];
    for await (const peer of this.#store.list()) known.push(peer);
    return known
      .sort((a, b) => b.seen - a.seen)
      .slice(0, MAX_REDIALED)
      .flatMap(({ addresses }) => addresses.slice(0, 1));
  }

  advertised(peer: string, agent: string, addresses: readonly string[]): void {
    const now = this.#clock.monotonic();
    const before = this.#adverts.get(peer);
    const unchanged = before?.addresses.join() === addresses.join();
    const write = before === undefined || !unchanged || now - before.writtenAt > WRITE_EVERY_MS;
    this.#adverts.delete(peer);
    this.#adverts.set(peer, { agent, addresses, writtenAt: write ? now : before.writtenAt });
    const oldest = this.#adverts.keys().next().value;
    if (this.#adverts.size > MAX_KNOWN && oldest !== undefined) this.#adverts.delete(oldest);
    if (!write || addresses.length === 0) return;
    const seen = this.#clock.now();
    const dialable = addresses.map((address) => (address.includes('/p2p/') ? address : `${address}/p2p/${peer}`));
    this.#writing = this.#writing
      .then(() => this.#store.put({ peer, addresses: dialable, seen }))
      .then(() => (++this.#written % PRUNE_EVERY === 0 ? this.#store.prune(MAX_KNOWN) : 0))
      .catch((error: unknown) => this.#log.debug('a peer was not remembered', { peer, reason: String(error) }));
  }

  /** Waits for what is being written. */
  async stop(): Promise<void> {
    await this.#writing;
  }
}

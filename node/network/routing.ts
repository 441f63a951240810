import type { PeerInfo, PeerStore } from '@libp2p/interface';
import type { KadDHT } from '@libp2p/kad-dht';
import type { CID } from 'multiformats/cid';
import type { Clock } from '../clock.ts';
import { withDeadline } from './deadline.ts';
import { Slots } from './slots.ts';

/** A lookup ends when this many providers are known: more than any stripe is wide. */
const MAX_PROVIDERS = 128;
/** Addresses of one provider that are kept. */
const MAX_PROVIDER_ADDRESSES = 8;
const FIND_TIMEOUT_MS = 30_000;
const PROVIDE_TIMEOUT_MS = 60_000;
/** Records published at once, and calls that may wait. */
const MAX_PROVIDING = 4;
const MAX_WAITING = 10_000;

export interface RoutingOptions {
  readonly dht: Pick<KadDHT, 'provide' | 'findProviders' | 'cancelReprovide'>;
  readonly peerStore: Pick<PeerStore, 'merge'>;
  /** Peer id of this node, which is never among the providers found. */
  readonly self: string;
  readonly clock: Clock;
}

/** Who keeps which object: provider records for roots in the DHT. */
export class Routing {
  readonly #options: RoutingOptions;
  readonly #slots = new Slots(MAX_WAITING);

  constructor(options: RoutingOptions) {
    this.#options = options;
  }

  /**
   * Tells the peers nearest to `root` that this node keeps it; libp2p repeats it before the record expires.
   * Returns how many peers took the record; 0 when none is connected.
   * @throws DeadlinePassed after a minute; the signal's reason
   */
  async provide(root: CID, signal?: AbortSignal): Promise<number> {
    const { clock, dht } = this.#options;
    const release = await this.#slots.take('provide', MAX_PROVIDING, signal ?? NEVER);
    if (release === undefined) throw new Error('too many provider records wait to be published');
    try {
      return await withDeadline(clock, PROVIDE_TIMEOUT_MS, signal, async (limited) => {
        let taken = 0;
        for await (const event of dht.provide(root, { signal: limited })) {
          if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') taken++;
        }
        return taken;
      });
    } finally {
      release();
    }
  }

  /** Stops repeating the record of `root`; what is out expires by itself. */
  async unprovide(root: CID, signal?: AbortSignal): Promise<void> {
    await this.#options.dht.cancelReprovide(root, signal === undefined ? {} : { signal });
  }

  /**
   * Peers that claim to keep `root`, each once, as they are found; at most 128. Their addresses are remembered, so
   * that they can be called at once. Ends quietly after half a minute. @throws the signal's reason
   */
  async *findProviders(root: CID, signal?: AbortSignal): AsyncGenerator<string, void, undefined> {
    signal?.throwIfAborted();
    const { clock, dht, self } = this.#options;
    const stop = new AbortController();
    const limited = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
    const timer = clock.sleep(FIND_TIMEOUT_MS, limited).then(
      () => stop.abort(),
      () => {},
    );
    const seen = new Set([self]);
    try {
      for await (const event of dht.findProviders(root, { signal: limited })) {
        if (event.name !== 'PROVIDER') continue;
        for (const provider of event.providers) {
          const peer = provider.id.toString();
          if (seen.has(peer)) continue;
          seen.add(peer);
          await this.#remember(provider);
          yield peer;
          if (seen.size > MAX_PROVIDERS) return;
        }
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    } finally {
      stop.abort();
      await timer;
    }
    signal?.throwIfAborted();
  }

  async #remember({ id, multiaddrs }: PeerInfo): Promise<void> {
    try {
      await this.#options.peerStore.merge(id, { multiaddrs: multiaddrs.slice(0, MAX_PROVIDER_ADDRESSES) });
    } catch {
      // Whoever answers a lookup chooses these addresses: a record that is full of them must not end the lookup.
    }
  }
}

const NEVER = new AbortController().signal;

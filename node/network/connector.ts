import type { PeerId, PeerInfo } from '@libp2p/interface';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { withDeadline } from './deadline.ts';
import { parseAddress } from './libp2p-node.ts';
import { DIAL_TIMEOUT_MS } from './limits.ts';

/** Connections below which a node calls every peer that it hears of. */
const TARGET_CONNECTIONS = 64;
const MAX_DIALS = 8;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 60_000;
/** How often a bootstrap peer is looked after while it is connected. */
const WATCH_MS = 10_000;

export interface Dialer {
  dial(target: ReturnType<typeof parseAddress> | PeerId, options: { signal: AbortSignal }): Promise<unknown>;
  getConnections(peer?: PeerId): readonly { readonly status: string; readonly remoteAddr: { toString(): string } }[];
}

export interface ConnectorOptions {
  readonly dialer: Dialer;
  /** Multiaddrs of the peers to begin with; each is called again whenever its connection is gone. */
  readonly bootstrap: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of each discovered peer that was called in vain. */
  readonly onUnreachable?: (peer: string) => void;
}

/** Keeps a node connected: to its bootstrap peers always, to peers it discovers while it has few connections. */
export class Connector {
  readonly #options: ConnectorOptions;
  readonly #dialing = new Set<string>();
  #stopping: AbortController | undefined;
  #watches: Promise<void>[] = [];

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#stopping !== undefined) return;
    const stopping = new AbortController();
    this.#stopping = stopping;
    this.#watches = this.#options.bootstrap.map((address) => this.#watch(address, stopping.signal));
  }

  async stop(): Promise<void> {
    this.#stopping?.abort(new Error('the node is stopping'));
    await Promise.all(this.#watches);
    this.#stopping = undefined;
  }

  /** Call for every peer that libp2p discovers. */
  discovered({ id, multiaddrs }: PeerInfo): void {
    const { dialer, logger } = this.#options;
    const signal = this.#stopping?.signal;
    const peer = id.toString();
    if (signal === undefined || signal.aborted || multiaddrs.length === 0) return;
    if (this.#dialing.size >= MAX_DIALS || this.#dialing.has(peer)) return;
    if (dialer.getConnections().length >= TARGET_CONNECTIONS || dialer.getConnections(id).length > 0) return;
    this.#dialing.add(peer);
    void this.#dial(id, signal)
      .catch((error: unknown) => {
        logger.debug('a discovered peer cannot be reached', { peer, reason: reasonOf(error) });
        if (!signal.aborted) this.#options.onUnreachable?.(peer);
      })
      .finally(() => this.#dialing.delete(peer));
  }

  async #watch(address: string, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    let pause = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        // A dial to a connected peer returns its connection.
        await this.#dial(parseAddress(address), signal);
        pause = WATCH_MS;
      } catch (error) {
        if (signal.aborted) return;
        if (pause === WATCH_MS) pause = FIRST_RETRY_MS;
        logger.info('a bootstrap peer cannot be reached', { address, reason: reasonOf(error), retryMs: pause });
      }
      await clock.sleep(pause, signal).catch(() => {});
      if (pause !== WATCH_MS) pause = Math.min(2 * pause, MAX_RETRY_MS);
    }
  }

  async #dial(target: Parameters<Dialer['dial']>[0], signal: AbortSignal): Promise<void> {
    const { clock, dialer } = this.#options;
    await withDeadline(clock, DIAL_TIMEOUT_MS, signal, (limited) => dialer.dial(target, { signal: limited }));
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import type { CID } from 'multiformats/cid';
import { bitmapIndices } from '../../protocol/bitmap.ts';
import type { Clock } from '../clock.ts';
import { withDeadline } from '../network/deadline.ts';
import { forEachLimited } from './abortable.ts';
import type { HaveClient, Held, PeerDirectory, ReceiptBook } from './ports.ts';
import type { ShardSources } from './shard-fetcher.ts';

export interface HolderDirectoryOptions {
  readonly root: CID;
  readonly client: HaveClient;
  readonly peers: PeerDirectory;
  readonly receipts: Pick<ReceiptBook, 'holders'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Sees every answer, before it counts; false: it does not count. */
  readonly accept?: (peer: string, held: Held) => boolean;
}

/** Indices of one stripe, and how many of them are needed to read it. */
export interface StripeNeed {
  readonly indices: readonly number[];
  readonly need: number;
}

interface SegmentHolders {
  readonly byIndex: Map<number, string[]>;
  readonly peers: Set<string>;
}

/** How long a download that could begin still waits for more holders, so that it has a choice. */
const GRACE_MS = 250;
/** Peers asked at a time. */
const CONCURRENCY = 12;
/** Peers asked about one segment at most. */
const MAX_ASKED = 512;
const MAX_PROVIDERS = 64;
/** How long the DHT may take to name providers. */
const PROVIDERS_TIMEOUT_MS = 10_000;
/** How long a `have` may take before others are no longer held up by it. */
const HAVE_TIMEOUT_MS = 15_000;

/**
 * Finds who holds what of an object by asking: those who signed for it, the peers at hand, then the providers that the
 * DHT names. Nothing of it is trusted: a shard is checked by its hash, a promise by its receipt.
 */
export class HolderDirectory implements ShardSources {
  readonly #options: HolderDirectoryOptions;
  readonly #segments = new Map<string, SegmentHolders>();
  readonly #refreshing = new Map<string, Promise<void>>();
  #providers: Promise<string[]> | undefined;

  constructor(options: HolderDirectoryOptions) {
    this.#options = options;
  }

  holders(segment: CID, index: number): readonly string[] {
    return this.#segments.get(segment.toString())?.byIndex.get(index) ?? [];
  }

  /**
   * Asks around until every shard has a holder, or until every stripe has enough and the rest is slow to answer, or
   * until everybody was asked. Late answers are still taken in.
   */
  async load(segment: CID, stripes: readonly StripeNeed[], signal: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([signal, this.#options.signal]);
    const has = (index: number) => this.holders(segment, index).length > 0;
    const complete = () => stripes.every(({ indices }) => indices.every(has));
    const enough = () => stripes.every(({ indices, need }) => indices.filter(has).length >= need);
    const { promise: satisfied, resolve } = Promise.withResolvers<void>();
    let waiting = false;
    const onAnswer = () => {
      if (complete()) resolve();
      else if (!waiting && enough()) {
        waiting = true;
        this.#options.clock.sleep(GRACE_MS, stop).then(resolve, resolve);
      }
    };
    const asking = (async () => {
      await this.#ask(segment, await this.#nearby(), onAnswer, stop);
      if (!enough()) await this.#ask(segment, await this.#findProviders(stop), onAnswer, stop);
    })();
    await Promise.race([satisfied, asking]);
    asking.catch(() => {});
    stop.throwIfAborted();
  }

  /** Asks everybody nearby and waits for all; asks the DHT too when an index is left without a holder. */
  async loadAll(segment: CID, wanted: readonly number[], signal: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([signal, this.#options.signal]);
    await this.#ask(segment, await this.#nearby(), () => {}, stop);
    if (wanted.every((index) => this.holders(segment, index).length > 0)) return;
    await this.#ask(segment, await this.#findProviders(stop), () => {}, stop);
  }

  /** Asks everybody again; stripes that run short at the same time share one round. */
  async refresh(segment: CID, signal: AbortSignal): Promise<void> {
    const key = segment.toString();
    let round = this.#refreshing.get(key);
    if (round === undefined) {
      this.#of(segment).peers.clear();
      this.#providers = undefined;
      round = this.loadAll(segment, [Number.POSITIVE_INFINITY], signal).finally(() => this.#refreshing.delete(key));
      this.#refreshing.set(key, round);
    }
    await round;
  }

  forget(segment: CID): void {
    this.#segments.delete(segment.toString());
  }

  async #nearby(): Promise<string[]> {
    const { receipts, peers, root } = this.#options;
    return [...new Set([...(await receipts.holders(root)), ...peers.connected()])];
  }

  #findProviders(signal: AbortSignal): Promise<string[]> {
    this.#providers ??= collectProviders(this.#options.peers, this.#options.clock, this.#options.root, signal);
    return this.#providers;
  }

  async #ask(segment: CID, peers: readonly string[], onAnswer: () => void, signal: AbortSignal): Promise<void> {
    const known = this.#of(segment);
    const unasked = peers.filter((peer) => !known.peers.has(peer)).slice(0, MAX_ASKED);
    for (const peer of unasked) known.peers.add(peer);
    await forEachLimited(unasked, CONCURRENCY, async (peer) => {
      await this.#askOne(known, segment, peer, signal);
      onAnswer();
    });
  }

  async #askOne(known: SegmentHolders, segment: CID, peer: string, signal: AbortSignal): Promise<void> {
    const { client, clock, accept } = this.#options;
    try {
      await withDeadline(clock, HAVE_TIMEOUT_MS, signal, async (limited) => {
        for await (const held of client.have(peer, { segment }, limited)) {
          if (held.segment.equals(segment) && accept?.(peer, held) !== false) takeIn(known, peer, held);
        }
      });
    } catch {
      // A peer that cannot say what it holds holds nothing for us now.
      signal.throwIfAborted();
      known.peers.delete(peer);
    }
  }

  #of(segment: CID): SegmentHolders {
    const key = segment.toString();
    const known = this.#segments.get(key) ?? { byIndex: new Map(), peers: new Set() };
    this.#segments.set(key, known);
    return known;
  }
}

function takeIn({ byIndex }: SegmentHolders, peer: string, { indices }: Held): void {
  for (const index of bitmapIndices(indices)) {
    const holders = byIndex.get(index);
    if (holders === undefined) byIndex.set(index, [peer]);
    else if (!holders.includes(peer)) holders.push(peer);
  }
}

/** Providers of a root, as many as are wanted and come in time. */
export async function collectProviders(
  peers: Pick<PeerDirectory, 'findProviders'>,
  clock: Clock,
  root: CID,
  signal: AbortSignal,
): Promise<string[]> {
  const found = new Set<string>();
  try {
    await withDeadline(clock, PROVIDERS_TIMEOUT_MS, signal, async (limited) => {
      for await (const peer of peers.findProviders(root, limited)) {
        found.add(peer);
        if (found.size >= MAX_PROVIDERS) break;
      }
    });
  } catch {
    // A lookup that breaks off has still found whom it found.
    signal.throwIfAborted();
  }
  return [...found];
}

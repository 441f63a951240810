import type { CID } from 'multiformats/cid';
import { type Release, signRelease } from '../../protocol/release.ts';
import type { Signer } from '../../protocol/signature.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { RequestError } from '../network/errors.ts';

export interface ReleaserDeps {
  /** Peer id of this node. */
  readonly self: string;
  /** Peers that hold something of an object, also those that this node has no receipt of. */
  readonly search: (root: CID, signal: AbortSignal) => Promise<readonly string[]>;
  readonly network: Uint8Array;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly client: { release(peer: string, release: Release, signal?: AbortSignal): Promise<void> };
  readonly releases: {
    queue(release: Release, holders: readonly string[]): Promise<void>;
    queued(holder?: string, signal?: AbortSignal): AsyncIterable<{ holder: string; release: Release }>;
    confirmed(holder: string, root: CID): Promise<void>;
  };
  /** Told of each release that this node issues, once it is queued for its holders. */
  readonly onIssued?: (release: Release, holders: number) => void;
}

/** A holder that was away is tried again this often, and at once when it connects. */
const RETRY_MS = 10 * 60_000;
/** Releases sent at a time. */
const CONCURRENCY = 8;
/**
 * Who repaired the object may have given it to holders that the owner does not know, and may be at it when the release comes:
 * they are searched for at once and then every day, for as long as their promises last that nobody renews for a stranger.
 */
const SEARCH_EVERY_MS = 24 * 60 * 60_000;
const SEARCH_FOR_MS = 35 * SEARCH_EVERY_MS;
/** Searches remembered; beyond that some are repeated early. */
const MAX_SEARCHED = 10_000;

/** Tells holders that the owner released an object, also those that are away for a while (protocol v1 §4.6). */
export class Releaser {
  readonly #deps: ReleaserDeps;
  #stopping: AbortController | undefined;
  #retrying: Promise<void> = Promise.resolve();
  readonly #background = new Set<Promise<void>>();
  /** When holders of a root were last searched for, monotonic. */
  readonly #searched = new Map<string, number>();

  constructor(deps: ReleaserDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    if (this.#stopping !== undefined) return;
    this.#stopping = new AbortController();
    this.#retrying = this.#retry(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping?.abort(new DOMException('the node is stopping', 'AbortError'));
    await this.#retrying;
    await Promise.all(this.#background);
    this.#stopping = undefined;
  }

  /**
   * Durable when it resolves: every holder will be told, now or later, and others that are found. Returns how many of those
   * named confirmed now.
   */
  async release(root: CID, holders: readonly string[]): Promise<{ released: number; queued: number }> {
    const release = await this.#issue(root, holders);
    const released = await this.#send(holders.map((holder) => ({ holder, release })));
    this.#searchSoon(release, new Set(holders));
    return { released, queued: holders.length - released };
  }

  /** As `release`, without waiting for any holder. Before the start: holders are told as they connect. */
  async enqueue(root: CID, holders: readonly string[]): Promise<void> {
    const release = await this.#issue(root, holders);
    if (this.#stopping === undefined) return;
    const told = this.#send(holders.map((holder) => ({ holder, release })));
    this.#track(
      told.then(
        () => this.#searchSoon(release, new Set(holders)),
        (error: unknown) => this.#deps.log.warn('a release was not sent', { reason: String(error) }),
      ),
    );
  }

  async #issue(root: CID, holders: readonly string[]): Promise<Release> {
    const { self, network, signer, clock, releases } = this.#deps;
    const release = signRelease({ network, owner: signer.publicKey, root, issuedAt: clock.now() }, signer);
    // What waits for this node itself is the search for others.
    await releases.queue(release, [...holders, self]);
    this.#deps.onIssued?.(release, holders.length);
    return release;
  }

  /** A peer is there again: what waits for it goes out. */
  connected(peer: string): void {
    if (this.#stopping === undefined) return;
    void this.#sendQueued(peer, this.#stopping.signal);
  }

  async #retry(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#deps.clock.sleep(RETRY_MS, signal).catch(() => undefined);
      if (!signal.aborted) await this.#sendQueued(undefined, signal);
    }
  }

  async #sendQueued(peer: string | undefined, signal: AbortSignal): Promise<void> {
    try {
      let batch: { holder: string; release: Release }[] = [];
      const searches: Release[] = [];
      for await (const waiting of this.#deps.releases.queued(peer, signal)) {
        if (waiting.holder === this.#deps.self) {
          searches.push(waiting.release);
          continue;
        }
        batch.push(waiting);
        if (batch.length < CONCURRENCY) continue;
        await this.#send(batch);
        batch = [];
      }
      await this.#send(batch);
      for (const release of searches) await this.#search(release, new Set(), signal);
    } catch (error) {
      if (!signal.aborted) this.#deps.log.warn('queued releases were not sent', { reason: String(error) });
    }
  }

  #searchSoon(release: Release, known: ReadonlySet<string>): void {
    // A node that is not started searches at the first try after its start.
    if (this.#stopping === undefined) return;
    this.#track(this.#search(release, known, this.#stopping.signal));
  }

  /** Must not reject. */
  #track(work: Promise<void>): void {
    const one = work.finally(() => this.#background.delete(one));
    this.#background.add(one);
  }

  /** Never rejects. */
  async #search(release: Release, known: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const { self, search, releases, clock, log } = this.#deps;
    const root = release.root.toString();
    const last = this.#searched.get(root);
    if (last !== undefined && clock.monotonic() < last + SEARCH_EVERY_MS) return;
    try {
      if (this.#searched.size >= MAX_SEARCHED) this.#searched.clear();
      this.#searched.set(root, clock.monotonic());
      const found = (await search(release.root, signal)).filter((peer) => !known.has(peer));
      await releases.queue(release, found);
      await this.#send(found.map((holder) => ({ holder, release })));
      if (clock.now() < release.issuedAt + SEARCH_FOR_MS) return;
      await releases.confirmed(self, release.root);
      this.#searched.delete(root);
    } catch (error) {
      if (!signal.aborted) log.warn('holders of a released object were not found', { root, reason: String(error) });
    }
  }

  async #send(waiting: readonly { holder: string; release: Release }[]): Promise<number> {
    const { client, releases, log } = this.#deps;
    let confirmed = 0;
    for (let first = 0; first < waiting.length; first += CONCURRENCY) {
      const sending = waiting.slice(first, first + CONCURRENCY).map(async ({ holder, release }) => {
        try {
          await client.release(holder, release, this.#stopping?.signal);
          await releases.confirmed(holder, release.root);
          confirmed++;
        } catch (error) {
          log.debug('a holder did not take a release', { peer: holder, reason: String(error) });
          if (isFinal(error)) await releases.confirmed(holder, release.root);
        }
      });
      await Promise.all(sending);
    }
    return confirmed;
  }
}

/** A holder that will never take the release is not asked for ever; what it keeps is its own affair. */
function isFinal(error: unknown): boolean {
  return error instanceof RequestError && (error.code === 'refused-not-allowed' || error.code === 'refused-invalid');
}

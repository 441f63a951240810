import type { CID } from 'multiformats/cid';
import { type Release, signRelease } from '../../protocol/release.ts';
import type { Signer } from '../../protocol/signature.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { RequestError } from '../network/errors.ts';

export interface ReleaserDeps {
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

/** Tells holders that the owner released an object, also those that are away for a while (protocol v1 §4.6). */
export class Releaser {
  readonly #deps: ReleaserDeps;
  #stopping: AbortController | undefined;
  #retrying: Promise<void> = Promise.resolve();

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
    this.#stopping = undefined;
  }

  /** Durable when it resolves: every holder will be told, now or later. Returns how many confirmed now. */
  async release(root: CID, holders: readonly string[]): Promise<{ released: number; queued: number }> {
    const { network, signer, clock, releases } = this.#deps;
    const release = signRelease({ network, owner: signer.publicKey, root, issuedAt: clock.now() }, signer);
    await releases.queue(release, holders);
    this.#deps.onIssued?.(release, holders.length);
    const released = await this.#send(holders.map((holder) => ({ holder, release })));
    return { released, queued: holders.length - released };
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
      for await (const waiting of this.#deps.releases.queued(peer, signal)) {
        batch.push(waiting);
        if (batch.length < CONCURRENCY) continue;
        await this.#send(batch);
        batch = [];
      }
      await this.#send(batch);
    } catch (error) {
      if (!signal.aborted) this.#deps.log.warn('queued releases were not sent', { reason: String(error) });
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

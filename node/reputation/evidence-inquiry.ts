import { createHash } from 'node:crypto';
import type { EvidenceResponse } from '../../protocol/messages/evidence.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { RequestError } from '../network/errors.ts';
import { keyFromPeerId } from '../network/peer-key.ts';
import { forEachLimited } from '../transfer/abortable.ts';
import { WeightedCache } from '../weighted-cache.ts';
import { type Bundle, readBundle } from './bundle.ts';
import type { EvidenceChecker } from './evidence-checker.ts';
import { EVIDENCE_REFUSALS, EvidenceError } from './evidence-error.ts';
import type { EvidenceIntake } from './evidence-intake.ts';

export interface EvidenceInquiryDeps {
  readonly self: string;
  readonly network: Uint8Array;
  readonly client: {
    evidence(
      peer: string,
      about: Uint8Array,
      after: Uint8Array | undefined,
      signal?: AbortSignal,
    ): Promise<EvidenceResponse>;
  };
  /** Peers with an open connection. */
  readonly connected: () => readonly string[];
  readonly intake: Pick<EvidenceIntake, 'take'>;
  readonly checker: Pick<EvidenceChecker, 'prove'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a peer proves about this node. */
export interface Seen {
  /** Who keeps it. */
  readonly by: string;
  readonly bundle: Bundle;
}

/** Peers asked about one: an honest one among three has it if gossip reached it. */
const ASKED = 3;
/** Peers asked how they see this node. */
const ASKED_ABOUT_SELF = 8;
const CONCURRENCY = 4;
const MAX_PAGES = 2;
const MAX_BUNDLES = 64;
/** Between two rounds of questions: when many nodes start together, asking faster would hold up what their users want. */
const PAUSE_MS = 5_000;
const MAX_WAITING = 256;
/** A peer is asked about again after this time: gossip may have been missed meanwhile. */
const AGAIN_MS = 24 * 60 * 60_000;
const REMEMBERED = 4096;

/** Asks others what they can prove about a peer when it becomes a candidate, so that who was offline learns of it. */
export class EvidenceInquiry {
  readonly #deps: EvidenceInquiryDeps;
  readonly #waiting = new Set<string>();
  /** Monotonic time of the last question about a peer. */
  readonly #asked = new WeightedCache<number>(REMEMBERED);
  /** Gave bundles that prove nothing. */
  readonly #distrusted = new WeightedCache<true>(REMEMBERED);
  #stopping: AbortController | undefined;
  #asking: Promise<void> | undefined;
  #turn = 0;

  constructor(deps: EvidenceInquiryDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#stopping ??= new AbortController();
    this.#go();
  }

  async stop(): Promise<void> {
    this.#stopping?.abort(new Error('the node is stopping'));
    await this.#asking;
    this.#stopping = undefined;
  }

  /** A peer advertised itself. Asked about once a day. */
  candidate(peer: string): void {
    const last = this.#asked.get(peer);
    if (last !== undefined && this.#deps.clock.monotonic() - last < AGAIN_MS) return;
    if (peer === this.#deps.self || this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.add(peer);
    this.#go();
  }

  /** What connected peers can prove about this node, verified here. @throws the signal's reason */
  async howSeen(signal: AbortSignal): Promise<Seen[]> {
    const { self, checker } = this.#deps;
    const seen: Seen[] = [];
    await forEachLimited(this.#informants(self, ASKED_ABOUT_SELF), CONCURRENCY, (by) =>
      this.#ask(by, self, signal, async (bundle) => {
        await checker.prove(bundle, by, signal);
        seen.push({ by, bundle });
      }),
    );
    return seen;
  }

  #go(): void {
    if (this.#stopping === undefined || this.#asking !== undefined) return;
    const { signal } = this.#stopping;
    this.#asking = this.#askAll(signal).finally(() => {
      this.#asking = undefined;
      if (this.#waiting.size > 0 && !signal.aborted) this.#go();
    });
  }

  async #askAll(signal: AbortSignal): Promise<void> {
    const { clock, intake, log } = this.#deps;
    for (const peer of this.#waiting) {
      try {
        // First the pause: a peer that has just come brings others with it, who can be asked.
        await clock.sleep(PAUSE_MS, signal);
        this.#waiting.delete(peer);
        for (const informant of this.#informants(peer, ASKED)) {
          this.#asked.set(peer, clock.monotonic(), 1);
          await this.#ask(informant, peer, signal, (bundle) => intake.take(bundle, informant, signal));
        }
      } catch (error) {
        if (signal.aborted) return;
        log.warn('evidence about a peer could not be asked for', { peer, reason: String(error) });
      }
    }
  }

  /** Others that are connected, a different few each time. */
  #informants(about: string, count: number): string[] {
    const others = this.#deps
      .connected()
      .filter((peer) => peer !== about && peer !== this.#deps.self && this.#distrusted.get(peer) === undefined);
    const start = this.#turn++ % Math.max(1, others.length);
    return [...others.slice(start), ...others.slice(0, start)].slice(0, count);
  }

  async #ask(
    informant: string,
    about: string,
    signal: AbortSignal,
    use: (bundle: Bundle) => Promise<void>,
  ): Promise<void> {
    const { client, log } = this.#deps;
    let after: Uint8Array | undefined;
    let left = MAX_BUNDLES;
    try {
      for (let page = 0; page < MAX_PAGES; page++) {
        const { bundles, more } = await client.evidence(informant, keyFromPeerId(about), after, signal);
        for (const bytes of bundles.slice(0, left)) await this.#use(bytes, about, use);
        left -= bundles.length;
        const last = bundles.at(-1);
        if (!more || last === undefined || left <= 0) return;
        after = new Uint8Array(createHash('sha256').update(last).digest());
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof EvidenceError) this.#distrusted.set(informant, true, 1);
      else if (!(error instanceof RequestError)) throw error;
      log.debug('a peer did not show what it knows', { peer: informant, about, reason: error.message });
    }
  }

  /** What merely does not count here is passed over. @throws EvidenceError for what nobody should have kept. */
  async #use(bytes: Uint8Array, about: string, use: (bundle: Bundle) => Promise<void>): Promise<void> {
    const { network, clock } = this.#deps;
    try {
      const bundle = readBundle(bytes, network, clock.now());
      if (bundle.accused === about) await use(bundle);
    } catch (error) {
      if (!(error instanceof EvidenceError) || EVIDENCE_REFUSALS[error.code].reject) throw error;
    }
  }
}

import { createHash } from 'node:crypto';
import {
  type Accusation,
  decodeAccusation,
  MAX_ACCUSATION_BYTES,
  verifyAccusation,
} from '../../protocol/accusation.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { StructureError } from '../../protocol/cbor.ts';
import { MAX_CLOCK_SKEW_MS } from '../../protocol/constants.ts';
import { TOPICS } from '../../protocol/topics.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { RateLimiter } from '../network/rate-limit.ts';
import { WeightedCache } from '../weighted-cache.ts';
import { readBundle } from './bundle.ts';
import { EVIDENCE_REFUSALS, EvidenceError, type EvidenceRefusal, refused } from './evidence-error.ts';
import type { EvidenceIntake } from './evidence-intake.ts';

export interface EvidenceGateDeps {
  readonly network: Uint8Array;
  readonly intake: Pick<EvidenceIntake, 'take'>;
  /** The peer signed an accusation that is provably false. */
  readonly onFalse: (accuser: string, reason: string) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What becomes of a gossip message; as libp2p names it. */
export type GossipVerdict = 'accept' | 'ignore' | 'reject';

/** A signature takes 1.6 ms: one peer may spend a fifth of a second of a minute on those that turn out to be forged. */
const PER_FORWARDER_PER_MINUTE = 120;
const PER_ACCUSER_PER_MINUTE = 60_000 / TOPICS.evidence.minIntervalMs;
/** An accusation spreads in seconds. What is older comes to who asks for it, and is a replay here. */
const MAX_AGE_MS = 60 * 60_000;
/** Hashes of messages that were looked at. */
const REMEMBERED = 4096;

/** Decides about accusations before they are forwarded: size, rate and form first, then signatures, then the proof. */
export class EvidenceGate {
  readonly #deps: EvidenceGateDeps;
  readonly #forwarders: RateLimiter;
  readonly #accusers: RateLimiter;
  readonly #seen = new WeightedCache<true>(REMEMBERED);
  readonly #refusals = new Map<EvidenceRefusal, number>();
  #accepted = 0;

  constructor(deps: EvidenceGateDeps) {
    this.#deps = deps;
    this.#forwarders = new RateLimiter(deps.clock);
    this.#accusers = new RateLimiter(deps.clock);
  }

  /** Accusations that counted, and those refused by code, since the start. */
  counts(): { readonly accepted: number; readonly refused: Readonly<Record<string, number>> } {
    return { accepted: this.#accepted, refused: Object.fromEntries(this.#refusals) };
  }

  /** @param from the peer that forwarded it. @throws the signal's reason */
  async judge(bytes: Uint8Array, from: string, signal: AbortSignal): Promise<GossipVerdict> {
    try {
      await this.#judge(bytes, from, signal);
      this.#accepted++;
      return 'accept';
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof EvidenceError)) {
        // A full disk, say: no fault of the peer, and no reason to spread what is not kept here.
        this.#deps.log.warn('evidence could not be taken in', { from, reason: String(error) });
        return 'ignore';
      }
      this.#refusals.set(error.code, (this.#refusals.get(error.code) ?? 0) + 1);
      this.#deps.log.debug('evidence does not count', { from, code: error.code, reason: error.message });
      return EVIDENCE_REFUSALS[error.code].reject ? 'reject' : 'ignore';
    }
  }

  async #judge(bytes: Uint8Array, from: string, signal: AbortSignal): Promise<void> {
    const { network, intake, clock, onFalse } = this.#deps;
    if (bytes.length > MAX_ACCUSATION_BYTES) throw refused('oversize', `${bytes.length} bytes are too many`);
    if (this.#forwarders.admit(from, PER_FORWARDER_PER_MINUTE) > 0) {
      throw refused('rate-limited', `${from} forwards too much of it`);
    }
    const hash = createHash('sha256').update(bytes).digest('hex');
    if (this.#seen.get(hash)) throw refused('replayed', 'it was here before');
    const accusation = decoded(bytes);
    if (!equalBytes(accusation.network, network)) throw refused('other-network', 'it is of another network');
    const now = clock.now();
    const age = now - accusation.issuedAt;
    if (age < -MAX_CLOCK_SKEW_MS) throw refused('from-future', 'it is from the future');
    if (age > MAX_AGE_MS) throw refused('too-old', 'it is old');
    const bundle = readBundle(accusation.bundle, network, now);
    if (!equalBytes(accusation.accuser, bundle.auditorKey)) throw refused('not-auditor', 'its accuser did not audit');
    if (!verifyAccusation(accusation)) throw refused('bad-signature', 'it is not signed by its accuser');
    // Charged only now, so that nobody uses up what another may say.
    if (this.#accusers.admit(bundle.auditor, PER_ACCUSER_PER_MINUTE) > 0) {
      throw refused('rate-limited', `${bundle.auditor} accuses too often`);
    }
    this.#seen.set(hash, true, 1);
    try {
      await intake.take(bundle, from, signal);
    } catch (error) {
      if (error instanceof EvidenceError && EVIDENCE_REFUSALS[error.code].false) {
        await onFalse(bundle.auditor, error.message);
      }
      // It may be had again when there is time for it, once the manifest can be found, or when this node can work again.
      if (!(error instanceof EvidenceError) || isTransient(error.code)) this.#seen.delete(hash);
      throw error;
    }
  }
}

function isTransient(code: EvidenceRefusal): boolean {
  return code === 'busy' || code === 'no-manifest';
}

function decoded(bytes: Uint8Array): Accusation {
  try {
    return decodeAccusation(bytes);
  } catch (error) {
    if (error instanceof StructureError) throw refused('malformed', error.message, { cause: error });
    throw error;
  }
}

import { createHash } from 'node:crypto';
import type { GossipSub, TopicValidatorResult } from '@libp2p/gossipsub';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { StructureError } from '../../protocol/cbor.ts';
import { MAX_CLOCK_SKEW_MS } from '../../protocol/constants.ts';
import { networkPrefix } from '../../protocol/hash.ts';
import {
  decodeRepairNotice,
  encodeRepairNotice,
  MAX_REPAIR_NOTICE_BYTES,
  type RepairNotice,
  signRepairNotice,
  type UnsignedRepairNotice,
  verifyRepairNotice,
} from '../../protocol/repair-notice.ts';
import type { Signer } from '../../protocol/signature.ts';
import { TOPICS, topicName } from '../../protocol/topics.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { RateLimiter } from '../network/rate-limit.ts';
import { WeightedCache } from '../weighted-cache.ts';

export interface RepairGossipDeps {
  readonly network: Uint8Array;
  readonly signer: Signer;
  readonly pubsub: Pick<GossipSub, 'topicValidators' | 'subscribe' | 'unsubscribe' | 'publish' | 'getSubscribers'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told of each notice of somebody else whose signature holds. */
  readonly onNotice: (notice: RepairNotice) => void;
}

/** What a repair is announced with; the rest is filled in here. */
export type Announcement = Pick<UnsignedRepairNotice, 'root' | 'segment' | 'kind' | 'stripes' | 'expiresAt'>;

/** A signature takes 1.6 ms: one forwarder may spend a fifth of a second of a minute on those that turn out to be forged. */
const PER_FORWARDER_PER_MINUTE = 120;
const PER_REPAIRER_PER_MINUTE = 60_000 / TOPICS.repair.minIntervalMs;
/** A lease ends within 10 minutes, and whoever hears of it after that has no use for it. */
const MAX_AGE_MS = 10 * 60_000;
const REMEMBERED = 4096;

/** The topic `repair`: who repairs what. Notices are checked before they are forwarded; nobody's word is taken for more. */
export class RepairGossip {
  readonly #deps: RepairGossipDeps;
  readonly #topic: string;
  readonly #forwarders: RateLimiter;
  readonly #repairers: RateLimiter;
  readonly #seen = new WeightedCache<true>(REMEMBERED);
  #started = false;

  constructor(deps: RepairGossipDeps) {
    this.#deps = deps;
    this.#topic = topicName('repair', networkPrefix(deps.network));
    this.#forwarders = new RateLimiter(deps.clock);
    this.#repairers = new RateLimiter(deps.clock);
  }

  /** After libp2p has started. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    const { pubsub } = this.#deps;
    pubsub.topicValidators.set(
      this.#topic,
      (peer, { data }) => this.judge(data, peer.toString()) as TopicValidatorResult,
    );
    pubsub.subscribe(this.#topic);
  }

  stop(): void {
    if (!this.#started) return;
    this.#started = false;
    this.#deps.pubsub.topicValidators.delete(this.#topic);
  }

  /** Tells those who listen now; a notice that nobody hears costs a repair that was done twice. */
  async announce(announcement: Announcement): Promise<void> {
    const { network, signer, pubsub, clock, log } = this.#deps;
    if (!this.#started || pubsub.getSubscribers(this.#topic).length === 0) return;
    const issuedAt = Math.floor(clock.now());
    const unsigned = { network, repairer: signer.publicKey, issuedAt, ...announcement };
    try {
      await pubsub.publish(this.#topic, encodeRepairNotice(signRepairNotice(unsigned, signer)));
    } catch (error) {
      log.debug('a repair was not announced', { reason: String(error) });
    }
  }

  /** What becomes of a message; as libp2p names it. @param from the peer that forwarded it */
  judge(bytes: Uint8Array, from: string): 'accept' | 'ignore' | 'reject' {
    const { network, signer, clock, onNotice } = this.#deps;
    if (bytes.length > MAX_REPAIR_NOTICE_BYTES) return 'reject';
    if (this.#forwarders.admit(from, PER_FORWARDER_PER_MINUTE) > 0) return 'ignore';
    const hash = createHash('sha256').update(bytes).digest('hex');
    if (this.#seen.get(hash)) return 'ignore';
    const notice = decoded(bytes);
    if (notice === undefined || !equalBytes(notice.network, network)) return 'reject';
    const age = clock.now() - notice.issuedAt;
    if (age < -MAX_CLOCK_SKEW_MS || age > MAX_AGE_MS) return 'ignore';
    if (!verifyRepairNotice(notice)) return 'reject';
    // Charged only now, so that nobody uses up what another may say.
    if (this.#repairers.admit(toHex(notice.repairer), PER_REPAIRER_PER_MINUTE) > 0) return 'ignore';
    this.#seen.set(hash, true, 1);
    if (!equalBytes(notice.repairer, signer.publicKey)) onNotice(notice);
    return 'accept';
  }
}

function decoded(bytes: Uint8Array): RepairNotice | undefined {
  try {
    return decodeRepairNotice(bytes);
  } catch (error) {
    if (error instanceof StructureError) return undefined;
    throw error;
  }
}

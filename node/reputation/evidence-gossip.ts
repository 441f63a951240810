import type { GossipSub, TopicValidatorResult } from '@libp2p/gossipsub';
import { encodeAccusation, signAccusation } from '../../protocol/accusation.ts';
import { networkPrefix } from '../../protocol/hash.ts';
import type { Signer } from '../../protocol/signature.ts';
import { TOPICS, topicName } from '../../protocol/topics.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { EvidenceGate } from './evidence-gate.ts';

export interface EvidenceGossipDeps {
  readonly network: Uint8Array;
  readonly signer: Signer;
  readonly gate: Pick<EvidenceGate, 'judge'>;
  readonly pubsub: Pick<GossipSub, 'topicValidators' | 'subscribe' | 'unsubscribe' | 'publish' | 'getSubscribers'>;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Waiting {
  readonly bundle: Uint8Array;
  readonly since: number;
}

/** One bundle per segment: of more in one go the rest is there for who asks. */
const MAX_WAITING = 256;
const RETRY_MS = 5_000;
/** Whoever was not here in this time learns of it by asking. */
const GIVE_UP_MS = 60 * 60_000;

/** The topic `evidence`: what others found, validated before it is forwarded, and what this node found. */
export class EvidenceGossip {
  readonly #deps: EvidenceGossipDeps;
  readonly #topic: string;
  readonly #waiting: Waiting[] = [];
  #stopping: AbortController | undefined;
  #publishing: Promise<void> | undefined;

  constructor(deps: EvidenceGossipDeps) {
    this.#deps = deps;
    this.#topic = topicName('evidence', networkPrefix(deps.network));
  }

  /** After libp2p has started. */
  start(): void {
    if (this.#stopping !== undefined) return;
    const stopping = new AbortController();
    this.#stopping = stopping;
    const { pubsub, gate } = this.#deps;
    pubsub.topicValidators.set(this.#topic, async (peer, { data }) => {
      const verdict = await gate.judge(data, peer.toString(), stopping.signal).catch(() => 'ignore');
      return verdict as TopicValidatorResult;
    });
    pubsub.subscribe(this.#topic);
    this.#publish();
  }

  async stop(): Promise<void> {
    if (this.#stopping === undefined) return;
    this.#stopping.abort(new Error('the node is stopping'));
    this.#deps.pubsub.topicValidators.delete(this.#topic);
    await this.#publishing;
    this.#stopping = undefined;
  }

  /** Tells others what an audit of this node proved, as soon as somebody listens. */
  publish(bundle: Uint8Array): void {
    if (this.#waiting.length >= MAX_WAITING) return;
    this.#waiting.push({ bundle, since: this.#deps.clock.monotonic() });
    this.#publish();
  }

  #publish(): void {
    if (this.#stopping === undefined || this.#publishing !== undefined) return;
    const { signal } = this.#stopping;
    this.#publishing = this.#publishAll(signal).finally(() => {
      this.#publishing = undefined;
      if (this.#waiting.length > 0 && !signal.aborted) this.#publish();
    });
  }

  async #publishAll(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    for (let next = this.#waiting[0]; next !== undefined && !signal.aborted; next = this.#waiting[0]) {
      try {
        const heard = await this.#send(next.bundle);
        if (heard || clock.monotonic() - next.since > GIVE_UP_MS) this.#waiting.shift();
        await clock.sleep(heard ? TOPICS.evidence.minIntervalMs : RETRY_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#waiting.shift();
        log.warn('evidence was not published', { reason: error instanceof Error ? error.message : String(error) });
      }
    }
  }

  async #send(bundle: Uint8Array): Promise<boolean> {
    const { network, signer, pubsub, clock } = this.#deps;
    if (pubsub.getSubscribers(this.#topic).length === 0) return false;
    const issuedAt = Math.floor(clock.now());
    const accusation = signAccusation({ network, accuser: signer.publicKey, bundle, issuedAt }, signer);
    return (await pubsub.publish(this.#topic, encodeAccusation(accusation))).recipients.length > 0;
  }
}

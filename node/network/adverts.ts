import type { GossipSub, Message, TopicValidatorResult } from '@libp2p/gossipsub';
import type { Connection, PeerStore } from '@libp2p/interface';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { type Advert, encodeAdvert, signAdvert } from '../../protocol/hello.ts';
import type { Signer } from '../../protocol/signature.ts';
import { TOPICS, topicName } from '../../protocol/topics.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { type AcceptedAdvert, AdvertGate } from './advert-gate.ts';
import { PeerClient } from './client.ts';
import { RequestError, RequestRefused } from './errors.ts';
import { parsePeerId } from './peer-key.ts';
import type { ReqResp } from './reqresp.ts';

/** What this node says about itself. Sizes in bytes; `services` sorted, unique. */
export interface SelfDescription {
  readonly capacity: number;
  readonly free: number;
  readonly region: string;
  readonly services: readonly string[];
}

/** Called for each advert that counts; `addresses` are its multiaddrs as text. */
export type AdvertListener = (peer: string, advert: Advert, addresses: readonly string[]) => void;

export interface AdvertsOptions {
  readonly self: string;
  readonly network: Uint8Array;
  readonly networkPrefix: string;
  readonly agent: string;
  readonly signer: Signer;
  readonly describe: () => SelfDescription | Promise<SelfDescription>;
  /** This node's multiaddrs in binary form. */
  readonly addresses: () => readonly Uint8Array[];
  readonly pubsub: GossipSub;
  readonly peerStore: Pick<PeerStore, 'merge' | 'patch'>;
  readonly reqresp: ReqResp;
  /** A peer turned out to be of another network. */
  readonly onForeign: (peer: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** An advert is made anew when it is asked for and older than this. */
const REFRESH_MS = 5_000;
const MAX_ADDRESSES = 8;
/** Tries to greet a new peer, with growing pauses. */
const GREETING_PAUSES_MS = [0, 500, 2_000];
const MAX_GREETINGS = 256;

/**
 * Adverts of this node and of others: greetings (`hello`) over new connections, so that a peer can be used at once,
 * and gossip once a minute, so that peers that are not connected hear of each other.
 */
export class Adverts {
  readonly #options: AdvertsOptions;
  readonly #gate: AdvertGate;
  readonly #client: PeerClient;
  readonly #topic: string;
  readonly #listeners = new Set<AdvertListener>();
  /** Settle with the first answer, or when there is none: whether the peer is of another network. */
  readonly #greeting = new Map<string, Promise<boolean>>();
  #own: { readonly bytes: Uint8Array; readonly at: number } | undefined;
  #lastIssuedAt = 0;
  #stopping: AbortController | undefined;
  #publishing: Promise<void> | undefined;

  constructor(options: AdvertsOptions) {
    this.#options = options;
    this.#gate = new AdvertGate(options.network, options.self, options.clock);
    this.#client = new PeerClient(options.reqresp);
    this.#topic = topicName('hello', options.networkPrefix);
  }

  /** @returns the function that ends the listening */
  onAdvert(listener: AdvertListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** After libp2p has started. */
  async start(): Promise<void> {
    if (this.#stopping !== undefined) return;
    this.#stopping = new AbortController();
    const { pubsub, reqresp } = this.#options;
    await reqresp.handle('hello', async (request, stream) => {
      const verdict = this.#gate.judge(request, stream.remote);
      if (verdict.verdict === 'reject') {
        throw new RequestRefused({ status: 'invalid-request', code: 'bad-advert', message: verdict.reason });
      }
      await stream.write(OK, await this.#advert());
      if (verdict.verdict === 'accept') await this.#accept(verdict);
    });
    pubsub.topicValidators.set(this.#topic, this.#validate);
    pubsub.subscribe(this.#topic);
    this.#publishing = this.#publish(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    if (this.#stopping === undefined) return;
    this.#stopping.abort(new Error('the node is stopping'));
    this.#options.pubsub.topicValidators.delete(this.#topic);
    await this.#publishing;
    this.#stopping = undefined;
  }

  /** Call for every new connection: who dialled greets. */
  greet(connection: Connection): void {
    if (connection.direction !== 'outbound' || this.#stopping === undefined) return;
    const peer = connection.remotePeer.toString();
    if (this.#greeting.has(peer) || this.#greeting.size >= MAX_GREETINGS) return;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#greeting.set(peer, promise);
    void this.#greet(peer, this.#stopping.signal, resolve).finally(() => {
      resolve(false);
      this.#greeting.delete(peer);
    });
  }

  /** Whether a peer that is being greeted turns out to be of another network; false when it says nothing. */
  async provesForeign(peer: string): Promise<boolean> {
    return (await this.#greeting.get(peer)) ?? false;
  }

  async #greet(peer: string, signal: AbortSignal, told: (isForeign: boolean) => void): Promise<void> {
    for (const pause of GREETING_PAUSES_MS) {
      try {
        if (pause > 0) await this.#options.clock.sleep(pause, signal);
        const verdict = this.#gate.judge(await this.#client.hello(peer, await this.#advert(), signal), peer);
        if (verdict.verdict === 'accept') await this.#accept(verdict);
        if (verdict.verdict === 'reject') this.#options.onForeign(peer);
        told(verdict.verdict === 'reject');
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof RequestError && error.code === 'unsupported') {
          this.#options.onForeign(peer);
          told(true);
          return;
        }
        const reason = error instanceof Error ? error.message : String(error);
        this.#options.logger.debug('a greeting failed', { peer, reason });
      }
    }
  }

  #validate = (_: unknown, message: Message): TopicValidatorResult => {
    const verdict = this.#gate.judge(message.data);
    if (verdict.verdict === 'accept') void this.#accept(verdict);
    return verdict.verdict as TopicValidatorResult;
  };

  async #accept({ peer, advert, newest }: AcceptedAdvert): Promise<void> {
    if (!newest) return;
    const multiaddrs = advert.addresses.flatMap((bytes) => {
      try {
        return [multiaddr(bytes)];
      } catch {
        return [];
      }
    });
    try {
      await this.#remember(peer, multiaddrs);
      const addresses = multiaddrs.map((address) => address.toString());
      for (const listener of this.#listeners) listener(peer, advert, addresses);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.logger.warn('an advert could not be taken in', { peer, reason });
    }
  }

  /** A record that others have filled with addresses takes no more; the peer's own, which it signed, replace them. */
  async #remember(peer: string, multiaddrs: Multiaddr[]): Promise<void> {
    const { peerStore } = this.#options;
    const id = parsePeerId(peer);
    await peerStore.merge(id, { multiaddrs }).catch(() => peerStore.patch(id, { multiaddrs }));
  }

  /** Publishes once a minute, and first as soon as somebody listens. */
  async #publish(signal: AbortSignal): Promise<void> {
    const { clock, pubsub, logger } = this.#options;
    while (!signal.aborted) {
      try {
        let heard = false;
        if (pubsub.getSubscribers(this.#topic).length > 0) {
          heard = (await pubsub.publish(this.#topic, await this.#advert())).recipients.length > 0;
        }
        await clock.sleep(heard ? TOPICS.hello.minIntervalMs : 500, signal);
      } catch (error) {
        if (signal.aborted) return;
        logger.debug('an advert was not published', { reason: error instanceof Error ? error.message : String(error) });
        await clock.sleep(TOPICS.hello.minIntervalMs, signal).catch(() => {});
      }
    }
  }

  /** Our advert, encoded and signed, at most some seconds old. */
  async #advert(): Promise<Uint8Array> {
    const { clock, network, signer, agent, addresses, describe } = this.#options;
    const at = clock.monotonic();
    if (this.#own !== undefined && at - this.#own.at < REFRESH_MS) return this.#own.bytes;
    const description = await describe();
    // Others keep the newest: time that was set back must not make us look old.
    this.#lastIssuedAt = Math.max(Math.floor(clock.now()), this.#lastIssuedAt + 1);
    const unsigned = {
      ...description,
      network,
      peer: signer.publicKey,
      issuedAt: this.#lastIssuedAt,
      agent,
      addresses: addresses().slice(0, MAX_ADDRESSES),
    };
    this.#own = { bytes: encodeAdvert(signAdvert(unsigned, signer)), at };
    return this.#own.bytes;
  }
}

const OK = Uint8Array.of(0);

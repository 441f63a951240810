import { equalBytes } from '../../protocol/bytes.ts';
import { StructureError } from '../../protocol/cbor.ts';
import { MAX_CLOCK_SKEW_MS } from '../../protocol/constants.ts';
import { type Advert, decodeAdvert, verifyAdvert } from '../../protocol/hello.ts';
import { TOPICS } from '../../protocol/topics.ts';
import type { Clock } from '../clock.ts';
import { peerIdFromKey } from './peer-key.ts';

/** An advert that is younger than this still counts when it arrives late. */
const MAX_AGE_MS = 300_000;
/** One a minute, with some leave for a message that was slow and the next that was not. */
const MIN_INTERVAL_MS = TOPICS.hello.minIntervalMs - 5_000;
/** Peers remembered. When all are recent, adverts of further ones are not taken. */
const MAX_PEERS = 4096;
const FORGET_MS = 600_000;

export interface AcceptedAdvert {
  readonly verdict: 'accept';
  readonly advert: Advert;
  readonly peer: string;
  /** No later one of the peer is known; an older one may still be worth forwarding. */
  readonly newest: boolean;
}

export type AdvertVerdict =
  | AcceptedAdvert
  /** Nobody's fault: late, repeated, too many. */
  | { readonly verdict: 'ignore'; readonly reason: string }
  /** No honest peer sends or forwards this. */
  | { readonly verdict: 'reject'; readonly reason: string };

interface Seen {
  /** Latest of all, and latest that came by gossip: wall clock of the peer. */
  readonly issuedAt: number;
  readonly gossipIssuedAt: number;
  /** When the last one came by gossip, and when any came: monotonic. */
  readonly gossipedAt: number;
  readonly at: number;
}

/** Decides which adverts count, before they are forwarded. */
export class AdvertGate {
  readonly #network: Uint8Array;
  readonly #self: string;
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();

  constructor(network: Uint8Array, self: string, clock: Clock) {
    this.#network = network;
    this.#self = self;
    this.#clock = clock;
  }

  /** @param sender set for a direct `hello`: the advert must be the sender's own, and its rate is that of the method. */
  judge(bytes: Uint8Array, sender?: string): AdvertVerdict {
    let advert: Advert;
    let peer: string;
    try {
      if (bytes.length > TOPICS.hello.maxMessageBytes) return reject('it is too large');
      advert = decodeAdvert(bytes);
      peer = peerIdFromKey(advert.peer);
    } catch (error) {
      return reject(error instanceof StructureError ? error.message : 'its key is not a peer');
    }
    if (!equalBytes(advert.network, this.#network)) return reject('it is of another network');
    if (sender !== undefined && peer !== sender) return reject('it is not of the peer that sent it');
    if (peer === this.#self) return { verdict: 'ignore', reason: 'it is our own' };
    const early = this.#timing(peer, advert, sender === undefined);
    if (early !== undefined) return { verdict: 'ignore', reason: early };
    // The signature comes last: checking it costs a thousand times the rest.
    if (!verifyAdvert(advert)) return reject('its signature is wrong');
    return this.#remember(peer, advert, sender === undefined);
  }

  #timing(peer: string, { issuedAt }: Advert, gossip: boolean): string | undefined {
    const now = this.#clock.now();
    if (issuedAt > now + MAX_CLOCK_SKEW_MS) return 'it is from the future';
    if (issuedAt < now - MAX_AGE_MS) return 'it is old';
    const seen = this.#seen.get(peer);
    if (seen === undefined) return undefined;
    if (!gossip) return issuedAt < seen.issuedAt ? 'a newer one is known' : undefined;
    if (issuedAt <= seen.gossipIssuedAt) return 'a newer one was forwarded';
    return this.#clock.monotonic() - seen.gossipedAt < MIN_INTERVAL_MS ? 'the last one is recent' : undefined;
  }

  #remember(peer: string, advert: Advert, gossip: boolean): AdvertVerdict {
    const at = this.#clock.monotonic();
    const before = this.#seen.get(peer);
    if (before === undefined && this.#seen.size >= MAX_PEERS && !this.#forgetOldest(at)) {
      return { verdict: 'ignore', reason: 'too many peers are known' };
    }
    const newest = advert.issuedAt >= (before?.issuedAt ?? 0);
    this.#seen.delete(peer);
    this.#seen.set(peer, {
      issuedAt: Math.max(advert.issuedAt, before?.issuedAt ?? 0),
      gossipIssuedAt: gossip ? advert.issuedAt : (before?.gossipIssuedAt ?? NOT_YET),
      gossipedAt: gossip ? at : (before?.gossipedAt ?? NOT_YET),
      at,
    });
    return { verdict: 'accept', advert, peer, newest };
  }

  #forgetOldest(now: number): boolean {
    const [peer, seen] = this.#seen.entries().next().value as [string, Seen];
    return now - seen.at > FORGET_MS && this.#seen.delete(peer);
  }
}

const NOT_YET = Number.NEGATIVE_INFINITY;

function reject(reason: string): AdvertVerdict {
  return { verdict: 'reject', reason };
}

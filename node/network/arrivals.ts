import { METHODS, type Method } from '../../protocol/methods.ts';
import { MAX_ARRIVING, MAX_ARRIVING_BYTES } from './limits.ts';

interface Arrival {
  readonly method: Method;
  readonly peer: string;
  readonly evict: () => void;
}

/**
 * Streams whose request is still on its way. They hold no place among those that are served: a stream costs nothing to
 * open, and a few keys with empty ones would keep a method from everybody. A peer has as many of a method on the way as
 * it may have served; beyond the bound of all peers the one with most of them loses its oldest.
 */
export class Arrivals {
  /** In the order of their coming. */
  readonly #arrivals = new Set<Arrival>();

  /** Whether this peer has as many of the method on the way as it may. */
  isFull(method: Method, peer: string): boolean {
    const own = this.#of(method).filter((arrival) => arrival.peer === peer);
    return own.length >= METHODS[method].maxConcurrentPerPeer;
  }

  /** @param evict makes room for another one. @returns what to call when the request is here, or will not come */
  add(method: Method, peer: string, evict: () => void): () => void {
    const ofMethod = this.#of(method);
    if (ofMethod.length * METHODS[method].maxRequestBytes >= MAX_ARRIVING_BYTES) this.#evictOne(ofMethod);
    else if (this.#arrivals.size >= MAX_ARRIVING) this.#evictOne([...this.#arrivals]);
    const arrival = { method, peer, evict };
    this.#arrivals.add(arrival);
    return () => this.#arrivals.delete(arrival);
  }

  #of(method: Method): Arrival[] {
    return [...this.#arrivals].filter((arrival) => arrival.method === method);
  }

  #evictOne(among: readonly Arrival[]): void {
    const counts = new Map<string, number>();
    for (const { peer } of among) counts.set(peer, (counts.get(peer) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const leaving = among.find(({ peer }) => counts.get(peer) === most);
    if (leaving === undefined) return;
    this.#arrivals.delete(leaving);
    leaving.evict();
  }
}

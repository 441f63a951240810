/** Holders that must agree. */
const ENOUGH = 2;

/**
 * Whether this node's clock is wrong. A refusal as `stale` is not signed and costs nothing: one holder that says so, while
 * others answer, has not answered. When several do and nobody answered since, it is more likely this node.
 */
export class ClockDoubt {
  readonly #peers = new Set<string>();

  /** A holder refused a fresh challenge as stale; whether that is to be believed. */
  stale(peer: string): boolean {
    if (this.#peers.size < ENOUGH) this.#peers.add(peer);
    return this.#peers.size === ENOUGH;
  }

  /** A holder took the time of a challenge for right. */
  answered(): void {
    this.#peers.clear();
  }
}

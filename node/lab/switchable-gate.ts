import type { ConnectionGate } from '../network/connection-gate.ts';

/** Lets every connection be made until it is told otherwise. */
export class SwitchableGate implements ConnectionGate {
  #refused: ReadonlySet<string> | 'all' = new Set();

  refuses(peer: string): boolean {
    return this.#refused === 'all' || this.#refused.has(peer);
  }

  /** From now on no connection is made with these peers; those that stand are not touched. */
  refuse(peers: ReadonlySet<string> | 'all'): void {
    this.#refused = peers;
  }
}

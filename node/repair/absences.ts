import type { CID } from 'multiformats/cid';
import type { Clock } from '../clock.ts';

/** Holders and objects remembered; beyond, whoever was missed first goes. */
const MAX_ABSENT = 50_000;

interface Absence {
  readonly root: CID;
  /** Monotonic. */
  readonly since: number;
}

/**
 * Which holders do not answer for which objects, and since when; only an answer ends it, whatever else they do. Only those
 * with a receipt are entered. Nobody is away before this node missed it: its own absence blames no one.
 */
export class Absences {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #max: number;
  /** Peer → root → absence. */
  readonly #absences = new Map<string, Map<string, Absence>>();
  #count = 0;

  constructor(clock: Pick<Clock, 'monotonic'>, max = MAX_ABSENT) {
    this.#clock = clock;
    this.#max = max;
  }

  /** It could not be reached, or did not say what it holds. */
  missed(peer: string, root: CID): void {
    const key = root.toString();
    if (this.#absences.get(peer)?.has(key)) return;
    if (this.#count >= this.#max) this.#forget(this.#absences.keys().next().value as string);
    const of = this.#absences.get(peer) ?? new Map<string, Absence>();
    of.set(key, { root, since: this.#clock.monotonic() });
    this.#absences.set(peer, of);
    this.#count++;
  }

  /** It said what it holds. */
  answered(peer: string, root: CID): void {
    const of = this.#absences.get(peer);
    if (of?.delete(root.toString()) !== true) return;
    this.#count--;
    if (of.size === 0) this.#absences.delete(peer);
  }

  /** Monotonic milliseconds; undefined while nothing is known against it. */
  since(peer: string, root: CID): number | undefined {
    return this.#absences.get(peer)?.get(root.toString())?.since;
  }

  /** Objects for which it does not answer. */
  missedFor(peer: string): CID[] {
    return [...(this.#absences.get(peer)?.values() ?? [])].map(({ root }) => root);
  }

  #forget(peer: string): void {
    this.#count -= this.#absences.get(peer)?.size ?? 0;
    this.#absences.delete(peer);
  }
}

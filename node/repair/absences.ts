import type { CID } from 'multiformats/cid';
import type { Clock } from '../clock.ts';

/** Holders and objects remembered; beyond, whoever was missed first goes. */
const MAX_ABSENT = 50_000;
/** Whoever is away is called at least so often. */
const MAX_PAUSE_MS = 3_600_000;

interface Absence {
  readonly root: CID;
  /** Monotonic. */
  readonly since: number;
  /** When it was last missed, monotonic. */
  lastAt: number;
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
    const now = this.#clock.monotonic();
    const known = this.#absences.get(peer)?.get(key);
    if (known !== undefined) {
      known.lastAt = now;
      return;
    }
    if (this.#count >= this.#max) this.#forget(this.#absences.keys().next().value as string);
    const of = this.#absences.get(peer) ?? new Map<string, Absence>();
    of.set(key, { root, since: now, lastAt: now });
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

  /**
   * Whether to call it again though it is not connected. A host that is switched off lets each call run into its time limit:
   * the pause is as long as it had been away at the last one, so that it doubles, and an hour at most.
   */
  mayCall(peer: string, root: CID): boolean {
    const known = this.#absences.get(peer)?.get(root.toString());
    if (known === undefined) return true;
    return this.#clock.monotonic() - known.lastAt >= Math.min(known.lastAt - known.since, MAX_PAUSE_MS);
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

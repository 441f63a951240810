import type { CID } from 'multiformats/cid';
import type { Clock } from '../clock.ts';

/** Peers remembered, and objects for which those who are there do not answer; beyond, nothing is entered. */
const MAX_ABSENT = 50_000;
/** Whoever is away is called at least so often. */
const MAX_PAUSE_MS = 3_600_000;
const DAY_MS = 24 * 3_600_000;

/** Times are monotonic, without those when this node itself was away. */
interface Absence {
  readonly since: number;
  /** When it was last missed. */
  lastAt: number;
}

export interface AbsencesOptions {
  /** What nobody missed for so long may make room; whoever counts as gone must not be taken for away again. */
  readonly forgetMs?: number;
  readonly max?: number;
  /** For how long this node itself has been away, all in all. */
  readonly ownMs?: () => number;
}

interface Silence extends Absence {
  readonly root: CID;
}

/**
 * Which holders are not reached, which do not answer for which objects, and since when; only an answer ends it, whatever else
 * they do. Only those with a receipt are entered. Nobody is away before this node missed it: its own absence blames no one.
 */
export class Absences {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #forgetMs: number;
  readonly #max: number;
  readonly #ownMs: () => number;
  /** Peers that could not be reached: once for all that they hold. */
  readonly #unreachable = new Map<string, Absence>();
  /** Peer → root → for what else it did not answer. */
  readonly #silent = new Map<string, Map<string, Silence>>();
  #count = 0;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'monotonic'>, options: AbsencesOptions = {}) {
    const { forgetMs = DAY_MS, max = MAX_ABSENT, ownMs = () => 0 } = options;
    this.#clock = clock;
    this.#forgetMs = forgetMs;
    this.#max = max;
    this.#ownMs = ownMs;
  }

  /** It is not connected any more, or could not be called, which concerns all that it holds; whether that begins now. */
  unreachable(peer: string): boolean {
    const now = this.#now();
    const known = this.#unreachable.get(peer);
    if (known !== undefined) {
      known.lastAt = now;
      return false;
    }
    if (!this.#hasRoom(now, () => this.#unreachable.size < this.#max)) return false;
    this.#unreachable.set(peer, { since: now, lastAt: now });
    return true;
  }

  /** It could not be reached, or did not say what it holds. */
  missed(peer: string, root: CID): void {
    const key = root.toString();
    const now = this.#now();
    const known = this.#unreachable.get(peer) ?? this.#silent.get(peer)?.get(key);
    if (known !== undefined) {
      known.lastAt = now;
      return;
    }
    if (!this.#hasRoom(now, () => this.#count < this.#max)) return;
    const of = this.#silent.get(peer) ?? new Map<string, Silence>();
    of.set(key, { root, since: now, lastAt: now });
    this.#silent.set(peer, of);
    this.#count++;
  }

  /** It said what it holds. */
  answered(peer: string, root: CID): void {
    this.#unreachable.delete(peer);
    const of = this.#silent.get(peer);
    if (of?.delete(root.toString()) !== true) return;
    this.#count--;
    if (of.size === 0) this.#silent.delete(peer);
  }

  /** Monotonic, later for the time that this node itself was away; undefined while nothing is known against it. */
  since(peer: string, root: CID): number | undefined {
    const whole = this.#unreachable.get(peer)?.since;
    const silent = this.#silent.get(peer)?.get(root.toString())?.since;
    if (whole === undefined && silent === undefined) return undefined;
    return Math.min(whole ?? Number.POSITIVE_INFINITY, silent ?? Number.POSITIVE_INFINITY) + this.#ownMs();
  }

  /**
   * Whether to call it again though it is not connected. A host that is switched off lets each call run into its time limit:
   * the pause is as long as it had been away at the last one, so that it doubles, and an hour at most.
   */
  mayCall(peer: string, root: CID): boolean {
    const known = this.#unreachable.get(peer) ?? this.#silent.get(peer)?.get(root.toString());
    if (known === undefined) return true;
    return this.#now() - known.lastAt >= Math.min(known.lastAt - known.since, MAX_PAUSE_MS);
  }

  isUnreachable(peer: string): boolean {
    return this.#unreachable.has(peer);
  }

  /** Objects for which it does not answer, beside those that it could not be asked about. */
  missedFor(peer: string): CID[] {
    return [...(this.#silent.get(peer)?.values() ?? [])].map(({ root }) => root);
  }

  #now(): number {
    return this.#clock.monotonic() - this.#ownMs();
  }

  #hasRoom(now: number, isThere: () => boolean): boolean {
    // Whoever does not answer is missed in each hour: the rest is of objects that nobody looks at any more.
    if (!isThere() && now - this.#sweptAt >= MAX_PAUSE_MS) this.#sweep(now);
    return isThere();
  }

  #sweep(now: number): void {
    this.#sweptAt = now;
    const isOver = ({ lastAt }: Absence) => now - lastAt >= this.#forgetMs;
    for (const [peer, absence] of this.#unreachable) if (isOver(absence)) this.#unreachable.delete(peer);
    for (const [peer, of] of this.#silent) {
      for (const [key, silence] of of) if (isOver(silence) && of.delete(key)) this.#count--;
      if (of.size === 0) this.#silent.delete(peer);
    }
  }
}

import type { Clock } from '../clock.ts';

/** Peers remembered; beyond, whoever has been away longest goes. */
const MAX_ABSENT = 10_000;

/** Who is not heard from, and since when. Nobody is away before this node missed it: its own absence blames no one. */
export class Absences {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #since = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** It could not be reached, or did not answer. */
  missed(peer: string): void {
    if (this.#since.has(peer)) return;
    if (this.#since.size >= MAX_ABSENT) this.#since.delete(this.#since.keys().next().value as string);
    this.#since.set(peer, this.#clock.monotonic());
  }

  /** It answered, or connected; whether it had been missed. */
  seen(peer: string): boolean {
    return this.#since.delete(peer);
  }

  /** Monotonic milliseconds; undefined while nothing is known against it. */
  since(peer: string): number | undefined {
    return this.#since.get(peer);
  }
}

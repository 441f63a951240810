import type { Clock } from '../clock.ts';

export interface OwnAbsenceDeps {
  readonly connected: () => readonly string[];
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** When this node is without any peer, it is the one that is away: the time counts against nobody. */
export class OwnAbsence {
  readonly #deps: OwnAbsenceDeps;
  /** Since when it has been alone, monotonic. */
  #since: number | undefined;
  #before = 0;

  constructor(deps: OwnAbsenceDeps) {
    this.#deps = deps;
    this.update();
  }

  get isAlone(): boolean {
    this.update();
    return this.#since !== undefined;
  }

  /** For how long it has been alone, all in all. */
  ms(): number {
    return this.#before + (this.#since === undefined ? 0 : this.#deps.clock.monotonic() - this.#since);
  }

  /** Somebody came or went. */
  update(): void {
    const { connected, clock } = this.#deps;
    const isAlone = connected().length === 0;
    if (isAlone === (this.#since !== undefined)) return;
    const now = clock.monotonic();
    if (this.#since !== undefined) this.#before += now - this.#since;
    this.#since = isAlone ? now : undefined;
  }
}

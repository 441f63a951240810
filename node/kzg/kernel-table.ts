import { has, type LibraryEngine } from './accelerator.ts';
import type { KernelSlot } from './kernel-slot.ts';
import { type CandidateReport, OPERATIONS, type Operation, type OperationReport } from './operations.ts';
import { ranked, type Timings } from './timings.ts';

/** A kernel that was looked for and cannot be used. */
export interface Unavailable {
  readonly name: string;
  readonly reason: string;
}

/** Which backend does which operation: the kernels in their fixed order, then the library, but for what is clearly faster. */
export class KernelTable {
  readonly #slots: readonly KernelSlot[];
  readonly #unavailable: readonly Unavailable[];
  readonly #library: Pick<LibraryEngine, 'nameOf' | 'beside'>;
  timings: Timings = {};

  constructor(
    slots: readonly KernelSlot[],
    unavailable: readonly Unavailable[],
    library: Pick<LibraryEngine, 'nameOf' | 'beside'>,
  ) {
    this.#slots = slots;
    this.#unavailable = unavailable;
    this.#library = library;
  }

  get slots(): readonly KernelSlot[] {
    return this.#slots;
  }

  /** How many kernels have been dropped. */
  get drops(): number {
    return this.#slots.filter(({ dropped }) => dropped !== undefined).length;
  }

  /** The kernels to ask before the library, in this order. */
  before(operation: Operation): KernelSlot[] {
    const usable = this.usable(operation);
    const library = this.#library.nameOf(operation);
    const order = ranked([...usable.map(({ name }) => name), library], this.timings[operation]);
    return order.slice(0, order.indexOf(library)).flatMap((name) => usable.find((slot) => slot.name === name) ?? []);
  }

  usable(operation: Operation): KernelSlot[] {
    return this.#slots.filter(({ dropped, kernel }) => dropped === undefined && has(kernel, operation));
  }

  report(): OperationReport[] {
    return OPERATIONS.map((operation) => {
      const library = this.#library.nameOf(operation);
      const backend = this.before(operation)[0]?.name ?? library;
      const rows = [
        ...this.#unavailable.map(({ name, reason }) => ({ name, state: 'missing' as const, out: reason })),
        ...this.#slots
          .filter(({ kernel }) => has(kernel, operation))
          .map(({ name, dropped }) => ({ name, state: 'dropped' as const, out: dropped })),
        { name: library, state: 'missing' as const, out: undefined },
      ];
      const times = this.timings[operation] ?? {};
      const candidates = rows.map(({ name, state, out }): CandidateReport => {
        const used = name === backend && out === undefined;
        const ms = times[name];
        const detail = out ?? (used ? whyUsed(ms) : whyNot(ms, times[backend]));
        const shown = used ? 'used' : out === undefined ? 'ready' : state;
        return { backend: name, state: shown, detail, ...(ms === undefined ? {} : { ms: Number(ms.toPrecision(3)) }) };
      });
      return { operation, backend, candidates: [...candidates, ...this.#library.beside(operation)] };
    });
  }
}

function whyUsed(ms: number | undefined): string {
  return ms === undefined ? 'first in order, not measured yet' : 'used';
}

function whyNot(ms: number | undefined, best: number | undefined): string {
  if (ms === undefined || best === undefined) return 'stands by, not measured';
  const ratio = ms / best;
  return ratio >= 1 ? `slower by ${ratio.toFixed(1)}` : 'about as fast, stands by';
}

import type { KzgEngine } from './engine.ts';
import type { CandidateReport, Operation } from './operations.ts';

/** A fast kernel: what it lacks is done by the library. */
export interface Accelerator
  extends Pick<KzgEngine, 'commit' | 'open'>,
    Partial<Pick<KzgEngine, 'accumulator' | 'linearMap' | 'combineCommitments' | 'invalidCommitments'>> {
  readonly name: string;
  /** Whether its tables are made, so that it answers at once. */
  readonly loaded: boolean;
  /** No more is asked of it: what waits in it is rejected with `stopped`. */
  stop?(): void;
}

/** The audited library with what stands beside it. */
export interface LibraryEngine extends KzgEngine {
  /** What computes an operation here: only commitments and openings are the library's own. */
  nameOf(operation: Operation): string;
  /** Whether its trusted setup is loaded, so that it commits and opens at once. */
  readonly loaded: boolean;
  /** Beside what computes the operation: parts that failed and were given up, and libraries that would go on. */
  beside(operation: Operation): readonly CandidateReport[];
  /** How many of its parts were given up. */
  readonly drops: number;
}

/** Whether `kernel` has the operation. */
export function has(kernel: Accelerator, operation: Operation): boolean {
  return kernel[operation === 'combine' ? 'accumulator' : operation] !== undefined;
}

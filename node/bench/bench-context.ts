import type { Clock } from '../clock.ts';
import type { RandomBytes } from '../random.ts';

/** What the suites are handed. */
export interface BenchContext {
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** How to start the command line in a process of its own: a program and its first arguments. */
  readonly command: readonly [string, ...string[]];
  /** Gigabytes instead of megabytes, where files are stored and fetched. */
  readonly long: boolean;
  readonly signal: AbortSignal;
}

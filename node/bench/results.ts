import type { Machine } from './machine.ts';

/** Rates (MB/s, millions of bytes) are better when higher; times, sizes, and processor seconds per GiB, when lower. */
export type Unit = 'MB/s' | 'ms' | 's' | 'CPU s/GiB' | 'bytes' | 'MiB';

export interface BenchResult {
  readonly name: string;
  readonly unit: Unit;
  readonly value: number;
  readonly bound: number;
  /** How close to the bound, 1 is the bound: value / bound for rates, bound / value for times. */
  readonly ratio: number;
  readonly target: number | null;
  readonly boundedBy: string;
  /** The most anonymous memory (RssAnon) of each process meanwhile; only where processes are started, only on Linux. */
  readonly memory?: readonly ProcessMemory[];
}

export interface ProcessMemory {
  readonly process: string;
  readonly bytes: number;
}

/** A case that cannot be measured on this machine, and why. */
export interface SkippedCase {
  readonly name: string;
  readonly skipped: string;
}

/** What `holdfast bench --json` prints. */
export interface BenchReport {
  readonly machine: Machine;
  /** When the run began, ISO 8601, UTC. */
  readonly date: string;
  /** Whether files were of a gigabyte. */
  readonly long: boolean;
  readonly results: readonly BenchResult[];
  readonly skipped: readonly SkippedCase[];
  /** Names of the results whose ratio is below their target. */
  readonly below: readonly string[];
  /** Processes that had more memory than they may. */
  readonly aboveMemory: readonly ExcessMemory[];
}

export interface ExcessMemory extends ProcessMemory {
  /** The result it was measured with. */
  readonly name: string;
}

/** What a process of the network may use: data pass through it, they do not pile up in it. */
export const MEMORY_LIMIT_BYTES = 350 * 1024 * 1024;

export const ratioOf = (unit: Unit, value: number, bound: number): number =>
  unit === 'MB/s' ? value / bound : bound / value;

export const belowTarget = (results: readonly BenchResult[]): readonly BenchResult[] =>
  results.filter(({ ratio, target }) => target !== null && ratio < target);

export const aboveMemory = (results: readonly BenchResult[]): readonly ExcessMemory[] =>
  results.flatMap(({ name, memory = [] }) =>
    memory.filter(({ bytes }) => bytes > MEMORY_LIMIT_BYTES).map((each) => ({ name, ...each })),
  );

/** One line for everything that is not as it should be. */
export function shortcomings({ results }: Pick<BenchReport, 'results'>): string[] {
  const below = belowTarget(results).map(
    ({ name, ratio, target }) =>
      `below target: ${name} at ${ratio.toFixed(2)} of its bound, to reach ${target?.toFixed(2)}`,
  );
  const above = aboveMemory(results).map(
    ({ name, process, bytes }) => `above the memory limit: ${name}, ${process} had ${mebibytes(bytes)} MiB`,
  );
  return [...below, ...above];
}

export const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

/** Three digits that count. */
export const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

import { availableParallelism, cpus, release, totalmem } from 'node:os';

/** One figure of the product beside what bounds it; both measured in the same rounds, in the same unit. */
export interface BenchCase {
  readonly name: string;
  /** Rates are better when higher, times when lower. */
  readonly unit: 'MB/s' | 'ms';
  /** What the bound is, for the reader of the table. */
  readonly boundedBy: string;
  /** The ratio to reach, or null where none is promised. */
  readonly target: number | null;
  /** At most this many rounds: for a case that takes long. */
  readonly maxRounds?: number;
  bound(): Promise<number>;
  product(): Promise<number>;
}

/** Cases that share something. */
export interface BenchSuite {
  /** The names of its cases, so that what nobody asked for is not started. */
  readonly names: readonly string[];
  /** Starts what the cases share, and leaves on the stack how to stop it. */
  start(stack: AsyncDisposableStack): Promise<readonly BenchCase[]>;
}

export interface BenchResult {
  readonly name: string;
  readonly unit: BenchCase['unit'];
  readonly boundedBy: string;
  readonly value: number;
  readonly bound: number;
  /** How close to the bound, 1 is the bound: value / bound for rates, bound / value for times. */
  readonly ratio: number;
  readonly target: number | null;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly platform: string;
  readonly node: string;
}

export interface BenchReport {
  readonly machine: Machine;
  readonly results: readonly BenchResult[];
}

export interface BenchOptions {
  readonly rounds: number;
  /** Names of the cases to run; all when empty. */
  readonly only: readonly string[];
  readonly onRound?: (name: string, round: number) => void;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
  };
}

/** @throws RangeError for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new RangeError('the median of nothing');
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

export const ratioOf = (unit: BenchCase['unit'], value: number, bound: number): number =>
  unit === 'ms' ? bound / value : value / bound;

/**
 * Runs the suites one after the other. Within a suite each round measures every case once, bound and product in turn,
 * and every second round the other way round, so that a machine that slows down slows both.
 */
export async function runSuites(suites: readonly BenchSuite[], options: BenchOptions): Promise<BenchReport> {
  const wanted = (name: string) => options.only.length === 0 || options.only.includes(name);
  const results: BenchResult[] = [];
  for (const suite of suites.filter(({ names }) => names.some(wanted))) {
    await using stack = new AsyncDisposableStack();
    const cases = (await suite.start(stack)).filter(({ name }) => wanted(name));
    results.push(...(await runCases(cases, options)));
  }
  return { machine: describeMachine(), results };
}

async function runCases(cases: readonly BenchCase[], { rounds, onRound }: BenchOptions): Promise<BenchResult[]> {
  const runs = cases.map((subject) => ({ subject, values: [] as number[], bounds: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { subject, values, bounds } of runs) {
      if (round >= (subject.maxRounds ?? rounds)) continue;
      onRound?.(subject.name, round);
      if (round % 2 === 0) bounds.push(await subject.bound());
      values.push(await subject.product());
      if (round % 2 === 1) bounds.push(await subject.bound());
    }
  }
  return runs.map(({ subject: { name, unit, boundedBy, target }, values, bounds }) => {
    const value = median(values);
    const bound = median(bounds);
    return { name, unit, boundedBy, value, bound, ratio: ratioOf(unit, value, bound), target };
  });
}

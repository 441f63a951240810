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
  /** Rounds of this case in each round: many short ones average out a disk or a network whose pace changes. */
  readonly repeat?: number;
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

export const ratioOf = (unit: BenchCase['unit'], value: number, bound: number): number =>
  unit === 'ms' ? bound / value : value / bound;

/**
 * Runs the suites one after the other. Within a suite each round measures every case, bound and product in turn, and
 * every second time the other way round, so that a machine that slows down slows both.
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
  const runs = cases.map((subject) => ({ subject, pairs: [] as Pair[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { subject, pairs } of runs) {
      if (round >= (subject.maxRounds ?? rounds)) continue;
      onRound?.(subject.name, round);
      for (let i = 0; i < (subject.repeat ?? 1); i++) pairs.push(await measure(subject, pairs.length % 2 === 0));
    }
  }
  return runs.map(({ subject: { name, unit, boundedBy, target }, pairs }) => {
    const { value, bound } = medianPair(unit, pairs);
    return { name, unit, boundedBy, value, bound, ratio: ratioOf(unit, value, bound), target };
  });
}

/** What one round measured. */
export interface Pair {
  readonly value: number;
  readonly bound: number;
}

async function measure({ bound, product }: BenchCase, boundFirst: boolean): Promise<Pair> {
  if (boundFirst) {
    const first = await bound();
    return { bound: first, value: await product() };
  }
  const value = await product();
  return { value, bound: await bound() };
}

/**
 * The round whose ratio is the median of all. A machine that is busy with other things slows both halves of a round, so
 * that ratios vary less than the figures do; and value and bound of the report belong together.
 * @throws RangeError for an empty list.
 */
export function medianPair(unit: BenchCase['unit'], pairs: readonly Pair[]): Pair {
  const sorted = [...pairs].sort((a, b) => ratioOf(unit, a.value, a.bound) - ratioOf(unit, b.value, b.bound));
  const middle = sorted[(sorted.length - 1) >> 1];
  if (middle === undefined) throw new RangeError('the median of nothing');
  return middle;
}

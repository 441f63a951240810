import { abortable } from '../transfer/abortable.ts';
import type { BenchContext } from './bench-context.ts';
import { describeMachine } from './machine.ts';
import {
  aboveMemory,
  type BenchReport,
  type BenchResult,
  belowTarget,
  ratioOf,
  type SkippedCase,
  type Unit,
} from './results.ts';

/** A second reading of the same rounds: their bound times `factor`. */
export interface OtherBound {
  readonly name: string;
  readonly boundedBy: string;
  readonly factor: number;
  readonly target: number | null;
}

/** One figure of the product beside what bounds it; both measured in the same rounds, in the same unit. */
export interface BenchCase {
  readonly name: string;
  readonly unit: Unit;
  /** What the bound is, for the reader of the table. */
  readonly boundedBy: string;
  /** The ratio to reach, or null where none is promised. */
  readonly target: number | null;
  /** At most this many rounds: for a case that takes long. */
  readonly maxRounds?: number;
  /** Measurements in each round: many short ones average out a disk or a network whose pace changes. */
  readonly repeat?: number;
  readonly also?: readonly OtherBound[];
  bound(): Promise<number>;
  product(): Promise<number>;
  /** The most anonymous memory that each process had in these measurements, bytes. */
  memory?(): ReadonlyMap<string, number>;
}

/** Cases that share something. */
export interface BenchSuite {
  /** A name for all of them. */
  readonly group?: string;
  /** The names of its cases, so that what nobody asked for is not started. */
  readonly names: readonly string[];
  /**
   * Starts what the cases share, and leaves on the stack how to stop it.
   * @param wanted whether a case will run
   */
  start(
    stack: AsyncDisposableStack,
    context: BenchContext,
    wanted: (name: string) => boolean,
  ): Promise<readonly (BenchCase | SkippedCase)[]>;
}

/** The cases that are asked for, by their own names or that of a group. */
export function casesNamed(asked: readonly string[], suites: readonly BenchSuite[]): readonly string[] {
  return asked.flatMap((name) => suites.find(({ group }) => group === name)?.names ?? [name]);
}

export interface BenchOptions {
  readonly rounds: number;
  /** Names of the cases to run; all when empty. */
  readonly only: readonly string[];
  readonly onRound?: (name: string, round: number) => void;
}

const namesOf = ({ name, also = [] }: BenchCase): string[] => [name, ...also.map((other) => other.name)];

/**
 * Runs the suites one after the other. Within a suite each round measures every case, bound and product in turn, and
 * every second time the other way round, so that a machine that slows down slows both.
 * @throws the signal's reason, after everything that was started has stopped
 */
export async function runSuites(
  suites: readonly BenchSuite[],
  options: BenchOptions,
  context: BenchContext,
): Promise<BenchReport> {
  const { signal, clock, long } = context;
  const wanted = (name: string) => options.only.length === 0 || options.only.includes(name);
  const date = new Date(clock.now()).toISOString();
  const results: BenchResult[] = [];
  const skipped: SkippedCase[] = [];
  for (const suite of suites.filter(({ names }) => names.some(wanted))) {
    signal.throwIfAborted();
    await using stack = new AsyncDisposableStack();
    // Not raced with the signal: what a suite has begun to start must get onto the stack before that is unwound.
    const all = await suite.start(stack, context, wanted).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
    const cases = all.filter((each): each is BenchCase => !('skipped' in each) && namesOf(each).some(wanted));
    skipped.push(...all.filter((each): each is SkippedCase => 'skipped' in each && wanted(each.name)));
    const measured = await runCases(cases, options, signal);
    results.push(...measured.filter(({ name }) => wanted(name)));
  }
  return {
    machine: describeMachine(),
    date,
    long,
    results,
    skipped,
    below: belowTarget(results).map(({ name }) => name),
    aboveMemory: aboveMemory(results),
  };
}

async function runCases(
  cases: readonly BenchCase[],
  { rounds, onRound }: BenchOptions,
  signal: AbortSignal,
): Promise<BenchResult[]> {
  const runs = cases.map((subject) => ({ subject, pairs: [] as Pair[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { subject, pairs } of runs) {
      if (round >= (subject.maxRounds ?? rounds)) continue;
      onRound?.(subject.name, round);
      for (let i = 0; i < (subject.repeat ?? 1); i++) {
        pairs.push(await abortable(measure(subject, pairs.length % 2 === 0), signal));
      }
    }
  }
  return runs.flatMap(({ subject, pairs }) => resultsOf(subject, pairs));
}

function resultsOf(subject: BenchCase, pairs: readonly Pair[]): BenchResult[] {
  const { name, unit, boundedBy, target, also = [] } = subject;
  const memory = [...(subject.memory?.() ?? [])].map(([process, bytes]) => ({ process, bytes }));
  return [{ name, boundedBy, target, factor: 1 }, ...also].map(({ factor, ...rest }, reading) => {
    const pair = medianPair(unit, pairs);
    const bound = pair.bound * factor;
    return {
      name: rest.name,
      unit,
      value: pair.value,
      bound,
      ratio: ratioOf(unit, pair.value, bound),
      target: rest.target,
      boundedBy: rest.boundedBy,
      ...(memory.length === 0 || reading > 0 ? {} : { memory }),
    };
  });
}

/** What one round measured. */
export interface Pair {
  readonly value: number;
  readonly bound: number;
}

async function measure(subject: BenchCase, boundFirst: boolean): Promise<Pair> {
  if (boundFirst) {
    const bound = await subject.bound();
    return { bound, value: await subject.product() };
  }
  const value = await subject.product();
  return { value, bound: await subject.bound() };
}

/**
 * The round whose ratio is the median of all. A machine that is busy with other things slows both halves of a round, so
 * that ratios vary less than the figures do; and value and bound of the report belong together.
 * @throws RangeError for an empty list.
 */
export function medianPair(unit: Unit, pairs: readonly Pair[]): Pair {
  const sorted = [...pairs].sort((a, b) => ratioOf(unit, a.value, a.bound) - ratioOf(unit, b.value, b.bound));
  const middle = sorted[(sorted.length - 1) >> 1];
  if (middle === undefined) throw new RangeError('the median of nothing');
  return middle;
}

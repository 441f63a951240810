import { FR_MODULUS } from '../../protocol/field.ts';
import type { Clock } from '../clock.ts';
import type { Accelerator, LibraryEngine } from './accelerator.ts';
import { combineBlobs } from './combine-blobs.ts';
import type { KzgEngine } from './engine.ts';
import type { KernelTable } from './kernel-table.ts';
import { KNOWN_ANSWERS, knownBlob } from './known-answer.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import type { Timings } from './timings.ts';

/** The median of three is not moved by one run that was disturbed. */
const RUNS = 3;
const POINTS = 32;

type Subject = Accelerator | KzgEngine;

export interface Contestant {
  readonly name: string;
  readonly engine: Subject;
}

/**
 * Which backends have still to be compared, by operation. Only what is loaded anyway takes part, 0.3 s of CPU in all:
 * making tables only to compare them (0.6 s in WebAssembly, 2 s in c-kzg) would cost a node more than it gains.
 */
export function contests(table: KernelTable, library: LibraryEngine): Map<Operation, readonly Contestant[]> {
  const found = new Map<Operation, readonly Contestant[]>();
  for (const operation of OPERATIONS) {
    const contestants: Contestant[] = [];
    for (const { name, kernel } of table.usable(operation)) {
      if (kernel.loaded) contestants.push({ name, engine: kernel });
    }
    const needsSetup = operation === 'commit' || operation === 'open';
    if (library.loaded || !needsSetup) contestants.push({ name: library.nameOf(operation), engine: library });
    const missing = contestants.some(({ name }) => table.timings[operation]?.[name] === undefined);
    if (missing && contestants.length > 1) found.set(operation, contestants);
  }
  return found;
}

/** One trial of each operation, of about the size that it has in an upload. */
function trials(): Readonly<Record<Operation, (engine: Subject, signal: AbortSignal) => Promise<unknown> | undefined>> {
  const blobs = KNOWN_ANSWERS.map(({ seed }) => knownBlob(seed));
  const points = Array.from({ length: POINTS }, (_, i) =>
    Buffer.from(KNOWN_ANSWERS[i % KNOWN_ANSWERS.length]?.commitment ?? '', 'hex'),
  );
  const blob = blobs[0] as Uint8Array;
  const z = Buffer.from(KNOWN_ANSWERS[0]?.z ?? '', 'hex');
  const long = FR_MODULUS >> 127n; // as long as a coefficient of a batch check
  const scalars = points.map((_, i) => long - BigInt(i));
  return {
    commit: (engine, signal) => engine.commit(blob, signal),
    open: (engine, signal) => engine.open(blob, z, signal),
    combine: async (engine, signal) => {
      const create = engine.accumulator?.bind(engine);
      if (create === undefined) return;
      await combineBlobs(create, [long, -long, 7n, 9n], [...blobs, ...blobs], signal);
    },
    linearMap: (engine, signal) =>
      engine.linearMap?.(
        [
          [-4n, 10n, -20n, 15n],
          [-10n, 20n, 45n, -36n],
        ],
        [...blobs, ...blobs],
        signal,
      ),
    combineCommitments: (engine, signal) => engine.combineCommitments?.(scalars, points, signal),
    invalidCommitments: (engine, signal) => engine.invalidCommitments?.(points, signal),
  };
}

/**
 * Times each operation on each of its contestants, one after the other. Measured, no operation changes its order with
 * the size of its batch (1 to 100 points, 1×1 to 16×8 blobs), so one size stands for all.
 * A contestant that fails has no time. @throws the signal's reason
 */
export async function calibrate(
  open: ReadonlyMap<Operation, readonly Contestant[]>,
  clock: Pick<Clock, 'monotonic'>,
  signal: AbortSignal,
): Promise<Timings> {
  const table = trials();
  const timings: Partial<Record<Operation, Record<string, number>>> = {};
  for (const [operation, contestants] of open) {
    const times: Record<string, number> = {};
    for (const { name, engine } of contestants) {
      const ms = await medianTime(() => table[operation](engine, signal), clock).catch(() => undefined);
      signal.throwIfAborted();
      if (ms !== undefined) times[name] = ms;
    }
    timings[operation] = times;
  }
  return timings;
}

async function medianTime(
  trial: () => Promise<unknown> | undefined,
  clock: Pick<Clock, 'monotonic'>,
): Promise<number | undefined> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const start = clock.monotonic();
    await trial();
    times.push(clock.monotonic() - start);
  }
  return times.sort((a, b) => a - b)[RUNS >> 1];
}

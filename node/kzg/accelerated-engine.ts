import { equalBytes } from '../../protocol/bytes.ts';
import type { Clock } from '../clock.ts';
import type { RandomBytes } from '../random.ts';
import type { Accelerator, LibraryEngine } from './accelerator.ts';
import { batchCheck } from './batch-check.ts';
import { calibrate, contests } from './calibration.ts';
import type { CalibrationCache } from './calibration-cache.ts';
import { combineBlobs } from './combine-blobs.ts';
import { surelyBad, wronglyAccused } from './confirm-bad.ts';
import { always, type Check, difference, isDrawn, lateDifference, sameNumbers, sometimes } from './cross-check.ts';
import { DeferredChecks } from './deferred-checks.ts';
import { doubled } from './doubled-sum.ts';
import {
  type BatchPair,
  type BlobAccumulator,
  type CheckedOperations,
  type KzgEngine,
  KzgError,
  type Opening,
} from './engine.ts';
import { faultOf } from './fault.ts';
import { KernelSlot } from './kernel-slot.ts';
import { KernelTable, type Unavailable } from './kernel-table.ts';
import { OPERATIONS, type Operation, type OperationReport } from './operations.ts';
import { QuietTime } from './quiet-time.ts';
import { followed, wrongElement } from './spot-check.ts';
import { merged } from './timings.ts';

export interface AcceleratedEngineOptions {
  /** Audited, slower, and the only one that verifies. */
  readonly library: LibraryEngine;
  /** What there is of the kernels, in the order of preference; called once `library` has started. Never rejects. */
  readonly kernels: () => Promise<readonly (Accelerator | Unavailable)[]>;
  /** `start` fails unless this kernel works. */
  readonly required?: string;
  readonly random: RandomBytes;
  readonly clock: Clock;
  /** See `KernelSlotOptions`. */
  readonly poolAnswers: () => Promise<void>;
  /** Without it the fixed order stands. */
  readonly calibration?: CalibrationCache;
  /** Told of a kernel that failed and is used no more. */
  readonly onDropped: (name: string, reason: string) => void;
}

/** Calls before the backends are compared: whoever computes little gains nothing by it. */
const CALLS_BEFORE_CALIBRATION = 64;
const QUIET_MS = 1_000;

type Engine = Accelerator | KzgEngine;

/** How an operation is checked. */
interface Checks<T> {
  /** Before the answer; what is wrong is not given out. */
  readonly before?: Check<T>;
  /** Of a drawn call, after the answer, when there is time; made while the inputs must not change. */
  readonly after?: (result: T) => (signal: AbortSignal) => Promise<string | undefined>;
}

const equalOpenings = (a: Opening, b: Opening) => equalBytes(a.y, b.y) && equalBytes(a.proof, b.proof);

/**
 * Commits, opens and combines with the fastest kernel that works here, and verifies with the library. What kernels
 * compute is checked now and then: before the answer where that is cheap, commitments and openings (60 ms) after it. One
 * that fails, hangs or errs is dropped; the next one answers the same call where the answer has not been given yet.
 */
export class AcceleratedEngine implements KzgEngine {
  readonly #options: AcceleratedEngineOptions;
  readonly #quiet: QuietTime;
  readonly #deferred: DeferredChecks;
  #table: KernelTable;
  #ready: Promise<void> = Promise.resolve();

  constructor(options: AcceleratedEngineOptions) {
    this.#options = options;
    this.#deferred = new DeferredChecks(options.clock);
    this.#table = this.#tableOf([]);
    this.#quiet = new QuietTime({
      clock: options.clock,
      after: CALLS_BEFORE_CALIBRATION,
      quietMs: QUIET_MS,
      task: (signal) => this.#calibrate(signal).catch(() => {}), // given up with the engine
    });
  }

  get threads(): number {
    return this.#options.library.threads;
  }

  /** `native, verified by c-kzg`. */
  get backend(): string {
    const { backend } = this.#options.library;
    const kernel = this.#table.before('commit')[0];
    return kernel === undefined ? backend : `${kernel.name}, verified by ${backend}`;
  }

  operations(): readonly OperationReport[] {
    return this.#table.report();
  }

  /** Kernels load in the background; the first call that needs one waits for them (0.3 s). */
  async start(): Promise<void> {
    const { library, required, calibration } = this.#options;
    await library.start();
    this.#deferred.start();
    this.#ready = Promise.all([this.#options.kernels(), calibration?.load()]).then(([kernels, timings = {}]) => {
      this.#table = this.#tableOf(kernels);
      this.#table.timings = timings;
    });
    if (required === undefined) return;
    await this.#ready;
    await this.#require(required).catch(async (error: unknown) => {
      await this.stop();
      throw error;
    });
  }

  async stop(): Promise<void> {
    await this.#ready;
    await Promise.all([this.#quiet.stop(), this.#deferred.stop()]);
    for (const slot of this.#table.slots) slot.stop();
    this.#table = this.#tableOf([]);
    await this.#options.library.stop();
  }

  commit(blob: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#fastest('commit', (engine) => engine.commit(blob, signal), signal, {
      after: (commitment) => {
        const [input, given] = [Uint8Array.from(blob), Uint8Array.from(commitment)];
        return (until) => lateDifference(given, this.#options.library.commit(input, until), equalBytes);
      },
    });
  }

  open(blob: Uint8Array, z: Uint8Array, signal?: AbortSignal): Promise<Opening> {
    return this.#fastest('open', (engine) => engine.open(blob, z, signal), signal, {
      after: ({ y, proof }) => {
        const [input, point] = [Uint8Array.from(blob), Uint8Array.from(z)];
        const given = { y: Uint8Array.from(y), proof: Uint8Array.from(proof) };
        return (until) => lateDifference(given, this.#options.library.open(input, point, until), equalOpenings);
      },
    });
  }

  linearMap(
    rows: readonly (readonly bigint[])[],
    blobs: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<Uint8Array[]> {
    const before = async (result: Uint8Array[]) => wrongElement(this.#options.random, rows, blobs, result);
    return this.#fastest('linearMap', (engine) => engine.linearMap?.(rows, blobs, signal), signal, { before });
  }

  combineCommitments(
    coefficients: readonly bigint[],
    commitments: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const call = (engine: Engine) => engine.combineCommitments?.(coefficients, commitments, signal);
    return this.#fastest('combineCommitments', call, signal, { before: sometimes(this.#options.random, equalBytes) });
  }

  invalidCommitments(commitments: readonly Uint8Array[], signal?: AbortSignal): Promise<number[]> {
    const sampled = sometimes<number[]>(this.#options.random, sameNumbers);
    // Whoever sent a bad one will be blamed for it: the library has the last word.
    const before: Check<number[]> = async (bad, library) =>
      bad.length > 0 ? difference(bad, await library(), sameNumbers) : sampled(bad, library);
    const call = (engine: Engine) => engine.invalidCommitments?.(commitments, signal);
    return this.#fastest('invalidCommitments', call, signal, { before });
  }

  accumulator(): BlobAccumulator {
    const [slot] = this.#table.before('combine');
    const sum = slot?.kernel.accumulator?.();
    if (slot === undefined || sum === undefined) return this.#options.library.accumulator();
    return followed(sum, this.#options.random, () => {
      const reason = 'a sum of blobs differs from plain arithmetic';
      this.#drop(slot, reason);
      throw new KzgError({ code: 'backend-failed' }, `the ${slot.name} kernel computes wrong results: ${reason}`);
    });
  }

  combine(coefficients: readonly bigint[], blobs: readonly Uint8Array[], signal?: AbortSignal): Promise<Uint8Array> {
    return this.#untilSound(() => combineBlobs(() => this.accumulator(), coefficients, blobs, signal));
  }

  checked(): CheckedOperations {
    const { library } = this.#options;
    return {
      commit: (blob, signal) =>
        this.#fastest('commit', (engine) => engine.commit(blob, signal), signal, { before: always(equalBytes) }),
      open: (blob, z, signal) =>
        this.#fastest('open', (engine) => engine.open(blob, z, signal), signal, { before: always(equalOpenings) }),
      combineCommitments: (coefficients, commitments, signal) => {
        const call = (engine: Engine) => engine.combineCommitments?.(coefficients, commitments, signal);
        return this.#fastest('combineCommitments', call, signal, { before: always(equalBytes) });
      },
      accumulator: () => {
        const reference = library.checked().accumulator();
        const [slot] = this.#table.before('combine');
        const sum = slot?.kernel.accumulator?.();
        if (slot === undefined || sum === undefined) return reference;
        return doubled(sum, reference, () => this.#drop(slot, 'a sum of blobs differs from that of the library'));
      },
    };
  }

  verify(...args: Parameters<KzgEngine['verify']>): Promise<boolean> {
    return this.#options.library.verify(...args);
  }

  checkOpening(...args: Parameters<KzgEngine['checkOpening']>): Promise<boolean> {
    return this.#options.library.checkOpening(...args);
  }

  /** No pair is called bad on the word of a kernel alone. */
  batchCheck(pairs: readonly BatchPair[], signal?: AbortSignal): Promise<number[]> {
    const { library, random } = this.#options;
    return this.#untilSound(async () => {
      const bad = await batchCheck(this, random, pairs, signal);
      const good = await wronglyAccused(library, pairs, bad, signal);
      if (good === undefined) return bad;
      const kernels = new Set(OPERATIONS.flatMap((operation) => this.#table.before(operation).slice(0, 1)));
      for (const slot of kernels) this.#drop(slot, 'it found a good commitment bad');
      // With kernels the check is made again; without, what stands beside the library erred, and nothing is left to drop.
      return kernels.size > 0 ? bad : surelyBad(library, pairs, bad, signal);
    });
  }

  get #drops(): number {
    return this.#table.drops + this.#options.library.drops;
  }

  /** Runs `work` again whenever a kernel was dropped meanwhile: it may have had a part in the result. */
  async #untilSound<T>(work: () => Promise<T>): Promise<T> {
    await this.#ready;
    for (;;) {
      const drops = this.#drops;
      try {
        const result = await this.#counted(work);
        if (this.#drops === drops) return result;
      } catch (error) {
        if (this.#drops === drops) throw error;
      }
    }
  }

  async #fastest<T>(
    operation: Operation,
    call: (engine: Engine) => Promise<T> | undefined,
    signal: AbortSignal | undefined,
    { before, after }: Checks<T>,
  ): Promise<T> {
    await this.#ready;
    return this.#counted(async () => {
      const library = () => call(this.#options.library) as Promise<T>;
      for (const slot of this.#table.before(operation)) {
        let result: T;
        try {
          result = await slot.run((kernel) => call(kernel) as Promise<T>);
        } catch (error) {
          const fault = signal?.aborted ? 'caller' : faultOf(error);
          if (fault === 'caller') throw error;
          // A kernel that refuses what the library takes is wrong; what both refuse is refused.
          const expected = fault === 'input' ? await library() : undefined;
          this.#drop(slot, error instanceof Error ? error.message : String(error));
          if (expected !== undefined) return expected;
          continue;
        }
        let expected: Promise<T> | undefined;
        const wrong = await before?.(result, () => {
          expected = library();
          return expected;
        });
        if (wrong === undefined) {
          if (after !== undefined && isDrawn(this.#options.random)) this.#checkLater(slot, () => after(result));
          return result;
        }
        this.#drop(slot, wrong);
        if (expected !== undefined) return expected;
      }
      return library();
    });
  }

  #checkLater(slot: KernelSlot, prepare: () => (signal: AbortSignal) => Promise<string | undefined>): void {
    if (!this.#deferred.hasRoom) return;
    const check = prepare();
    this.#deferred.add(async (signal) => {
      this.#quiet.enter(); // a calibration beside it would measure both
      const wrong = await check(signal).finally(() => this.#quiet.leave());
      if (wrong !== undefined) this.#drop(slot, wrong);
    });
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    this.#quiet.enter();
    this.#deferred.enter();
    try {
      return await work();
    } finally {
      this.#deferred.leave();
      this.#quiet.leave();
    }
  }

  #drop(slot: KernelSlot, reason: string): void {
    if (slot.dropped !== undefined) return;
    slot.drop(reason);
    this.#options.onDropped(slot.name, reason);
  }

  async #require(name: string): Promise<void> {
    const slot = this.#table.slots.find((each) => each.name === name);
    if (slot !== undefined) return;
    const details = this.#table.report()[0]?.candidates.find(({ backend }) => backend === name)?.detail;
    const reason = details ?? 'there is no such kernel';
    throw new KzgError(
      { code: 'backend-unavailable', backend: name, reason },
      `the KZG backend ${name} cannot be used here: ${reason}; set kzg.backend to auto or to another one`,
    );
  }

  #tableOf(kernels: readonly (Accelerator | Unavailable)[]): KernelTable {
    const { clock, library, poolAnswers } = this.#options;
    const onHang = (slot: KernelSlot) => this.#drop(slot, 'it does not answer any more');
    const options = { clock, poolAnswers, onHang };
    return new KernelTable(
      kernels.filter((one) => 'commit' in one).map((kernel) => new KernelSlot(kernel, options)),
      kernels.filter((one) => 'reason' in one),
      library,
    );
  }

  async #calibrate(signal: AbortSignal): Promise<void> {
    const table = this.#table;
    const { library, clock, calibration } = this.#options;
    const open = contests(table, library);
    if (calibration === undefined || open.size === 0) return;
    table.timings = merged(table.timings, await calibrate(open, clock, signal));
    await calibration.save(table.timings);
  }
}

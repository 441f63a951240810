import { availableParallelism } from 'node:os';
import { equalBytes } from '../../../protocol/bytes.ts';
import { FR_MODULUS } from '../../../protocol/field.ts';
import type { RandomBytes } from '../../random.ts';
import { systemRandom } from '../../random.ts';
import { KNOWN_ANSWERS, knownBlob, wrongAnswer } from '../known-answer.ts';
import { trustedSetupPoints } from '../trusted-setup/trusted-setup.ts';
import { AREAS_MAX, bindings, type NativeBinding } from './binding.ts';
import { NativeKernel } from './native-kernel.ts';

export interface NativeKernelOptions {
  /** Pieces of work at a time. Default: the cores of this machine. */
  readonly threads?: number;
  /** Pieces that may wait. */
  readonly queueLimit?: number;
  /** Places the points in their cache; must not be known to peers. */
  readonly random?: RandomBytes;
  /** Where the addon may be, instead of the usual places. */
  readonly paths?: readonly string[];
}

export type NativeKernelResult = { readonly kernel: NativeKernel } | { readonly unavailable: string };

const SEED_BYTES = 8;

/**
 * The native kernel, after it has given known answers (0.3 s in all, off the main thread), or why there is none: the first
 * build that works. Never rejects: a machine without it goes on with another backend.
 */
export async function loadNativeKernel(options: NativeKernelOptions = {}): Promise<NativeKernelResult> {
  let unavailable = '';
  for (const binding of bindings(options.paths)) {
    const kernel = typeof binding === 'string' ? binding : await started(binding, options);
    if (typeof kernel !== 'string') return { kernel };
    unavailable = kernel;
  }
  return { unavailable };
}

/** The kernel of an addon, or why it cannot be used. */
async function started(
  binding: NativeBinding,
  { threads = availableParallelism(), queueLimit = 4096, random = systemRandom }: NativeKernelOptions,
): Promise<NativeKernel | string> {
  const areas = Math.min(Math.max(threads, 1), AREAS_MAX);
  try {
    await binding.init(await trustedSetupPoints(), areas, random(SEED_BYTES));
    const kernel = new NativeKernel(binding, areas, queueLimit);
    const wrong = (await wrongAnswer(kernel)) ?? (await wrongCombination(kernel));
    return wrong === undefined ? kernel : `it computes wrong results: ${wrong}`;
  } catch (error) {
    return `it does not start: ${error instanceof Error ? error.message : error}`;
  }
}

/** Commitments are linear: all ways to combine blobs and commitments must agree, with long and short coefficients. */
export async function wrongCombination(
  kernel: Pick<NativeKernel, 'accumulator' | 'commit' | 'linearMap' | 'combineCommitments'>,
): Promise<string | undefined> {
  const blobs = KNOWN_ANSWERS.map(({ seed }) => knownBlob(seed));
  const commitments = KNOWN_ANSWERS.map(({ commitment }) => Buffer.from(commitment, 'hex'));
  for (const row of [
    [FR_MODULUS / 5n, -(FR_MODULUS / 7n)],
    [-12_870n, 98_765_432_109n],
  ]) {
    const sum = kernel.accumulator();
    for (const [i, blob] of blobs.entries()) sum.add(row[i] as bigint, blob);
    const [combined] = (await kernel.linearMap([row], blobs)) as [Uint8Array];
    if (!equalBytes(sum.finish(), combined)) return 'two ways to combine blobs differ';
    const commitment = await kernel.combineCommitments(row, commitments);
    if (!equalBytes(await kernel.commit(combined), commitment)) return 'a combination of commitments differs';
  }
  return undefined;
}

import { availableParallelism } from 'node:os';
import { bytesToBigInt } from '../../../protocol/bytes.ts';
import { AccumulatorFactory } from '../../kzg/blob-accumulator.ts';
import { createKzgEngine } from '../../kzg/create-engine.ts';
import type { KzgEngine } from '../../kzg/engine.ts';
import type { CommitmentKernel } from '../../kzg/wasm/commitment-kernel.ts';
import { createCommitmentKernel } from '../../kzg/wasm/create-commitment-kernel.ts';
import type { KzgLoop } from '../baselines/kzg-loop.ts';
import { megabytesPerSecond, PAYLOAD_BYTES, randomBlob } from '../baselines/sizes.ts';
import type { BenchContext } from '../bench-context.ts';
import type { BenchCase, BenchSuite } from '../harness.ts';
import type { SkippedCase } from '../results.ts';
import { eachTimed, timed } from '../timed.ts';
import { casesBeside, startKzgLoop } from './c-kzg-baseline.ts';

const COMMITS_PER_CORE = 24;
const CALLS = 6;
const VERIFICATIONS = 50;
const COMBINED_BLOBS = 64;
const PAIRS = 100;
const CHALLENGE_BYTES = 16;
const BESIDE_C_KZG = ['commit', 'commit.wasm', 'open', 'verify'];

interface Subject {
  readonly context: BenchContext;
  readonly engine: KzgEngine;
  readonly wasm: CommitmentKernel;
  readonly blobs: readonly Uint8Array[];
  readonly threads: number;
}

/** The KZG engine and its WebAssembly kernel beside c-kzg in bare loops on as many threads, or beside a goal. */
export const kzgSuite: BenchSuite = {
  names: [...BESIDE_C_KZG, 'combine', 'combine.wasm', 'batch-check'],
  async start(stack, context) {
    const threads = availableParallelism();
    const engine = createKzgEngine({ threads });
    await engine.start();
    stack.defer(() => engine.stop());
    const loop = await startKzgLoop(stack, threads);
    const wasm = await createCommitmentKernel();
    const blobs = Array.from({ length: COMBINED_BLOBS }, randomBlob);
    await Promise.all(blobs.slice(0, threads * 2).map((blob) => engine.commit(blob, context.signal)));
    const subject = { context, engine, wasm, blobs, threads };
    // The first call waits for the kernels to load.
    await engine.combine(
      blobs.map(() => 1n),
      blobs,
      context.signal,
    );
    const beside = await casesBesideCKzg(subject, loop);
    return [...beside, ...combinationCases(subject), batchCase(subject, await commitmentsOf(subject))];
  },
};

async function casesBesideCKzg(
  { context: { clock }, engine, wasm, blobs, threads }: Subject,
  bound: KzgLoop | string,
): Promise<readonly (BenchCase | SkippedCase)[]> {
  const [blob] = blobs as [Uint8Array];
  const z = randomBlob().subarray(0, 32);
  const commitment = await engine.commit(blob);
  const { y, proof } = await engine.open(blob, z);
  const at = (i: number) => blobs[i % blobs.length] ?? blob;
  return casesBeside(bound, BESIDE_C_KZG, (loop) => [
    {
      name: 'commit',
      unit: 'MB/s',
      boundedBy: 'c-kzg in a loop on all cores',
      target: 3.5,
      bound: () => loop.commitRate(COMMITS_PER_CORE / 3),
      product: async () => {
        const batch = Array.from({ length: COMMITS_PER_CORE * threads }, (_, i) => at(i));
        const elapsed = await timed(clock, () => Promise.all(batch.map((each) => engine.commit(each))));
        return megabytesPerSecond(batch.length * PAYLOAD_BYTES, elapsed);
      },
    },
    {
      name: 'commit.wasm',
      unit: 'ms',
      boundedBy: 'c-kzg in a loop on one core',
      target: 1.7,
      bound: () => loop.milliseconds('commit', CALLS),
      product: () => {
        let i = 0;
        return eachTimed(clock, CALLS, () => wasm.commit(at(i++)));
      },
    },
    {
      name: 'open',
      unit: 'ms',
      boundedBy: 'c-kzg in a loop on one core',
      target: 3.5,
      bound: () => loop.milliseconds('open', CALLS),
      product: () => eachTimed(clock, CALLS, () => engine.open(blob, z)),
    },
    {
      name: 'verify',
      unit: 'ms',
      boundedBy: 'c-kzg in a loop on one core',
      target: 0.75,
      bound: () => loop.milliseconds('verify', VERIFICATIONS),
      product: () =>
        eachTimed(clock, VERIFICATIONS, async () => {
          if (!(await engine.verify(commitment, z, y, proof))) throw new Error('the engine refused its own proof');
        }),
    },
  ]);
}

/** Σ cᵢ·blobᵢ with the coefficients of an audit, 128 bits. */
function combinationCases({ context: { clock, random }, engine, blobs }: Subject): BenchCase[] {
  const coefficients = blobs.map(() => bytesToBigInt(random(CHALLENGE_BYTES)));
  const kernels = new AccumulatorFactory();
  return [
    {
      name: 'combine',
      unit: 'ms',
      boundedBy: 'the goal, a blob',
      target: 1,
      bound: async () => 0.03,
      product: async () => (await timed(clock, () => engine.combine(coefficients, blobs))) / blobs.length,
    },
    {
      name: 'combine.wasm',
      unit: 'ms',
      boundedBy: 'the goal, a blob',
      target: 1,
      bound: async () => 0.08,
      product: async () => {
        const elapsed = await timed(clock, () => {
          const sum = kernels.create();
          for (const [i, blob] of blobs.entries()) sum.add(coefficients[i] ?? 0n, blob);
          sum.finish();
        });
        return elapsed / blobs.length;
      },
    },
  ];
}

/** As a holder checks what it signs for: all its shards of an upload with one commitment of their combination. */
function batchCase({ context: { clock }, engine, blobs }: Subject, commitments: readonly Uint8Array[]): BenchCase {
  const pairs = Array.from({ length: PAIRS }, (_, i) => ({
    commitment: commitments[i % commitments.length] as Uint8Array,
    load: async () => blobs[i % blobs.length],
  }));
  return {
    name: 'batch-check',
    unit: 'ms',
    boundedBy: `the goal, a pair of ${PAIRS}`,
    target: 1,
    bound: async () => 0.3,
    product: async () => {
      const elapsed = await timed(clock, async () => {
        if ((await engine.batchCheck(pairs)).length > 0) throw new Error('the engine refused its own commitments');
      });
      return elapsed / PAIRS;
    },
  };
}

const commitmentsOf = ({ engine, blobs, context: { signal } }: Subject): Promise<Uint8Array[]> =>
  Promise.all(blobs.map((blob) => engine.commit(blob, signal)));

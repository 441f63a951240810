import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { createKzgEngine } from '../../../node/kzg/create-engine.ts';
import type { KzgEngine } from '../../../node/kzg/engine.ts';
import { bytesToBigInt } from '../../../protocol/bytes.ts';
import { hashRate } from '../baselines/hash-loop.ts';
import { KzgLoop } from '../baselines/kzg-loop.ts';
import { BLOB_BYTES, MEGABYTE, megabytesPerSecond, PAYLOAD_BYTES, randomBlob } from '../baselines/sizes.ts';
import type { BenchCase, BenchSuite } from '../harness.ts';
import { eachTimed, timed } from '../timed.ts';

const COMMITS_PER_CORE = 8;
const OPENINGS = 4;
const VERIFICATIONS = 50;
const COMBINED_BLOBS = 64;
const HASHED_BLOCKS = 500;
const CHALLENGE_BYTES = 16;

/** The KZG engine beside c-kzg in bare loops on as many threads. */
export const kzgSuite: BenchSuite = {
  names: ['commit', 'open', 'verify', 'combine'],
  async start(stack) {
    const threads = availableParallelism();
    const engine = createKzgEngine({ threads });
    await engine.start();
    stack.defer(() => engine.stop());
    const loop = await KzgLoop.start(threads);
    stack.defer(() => loop.stop());
    const blobs = Array.from({ length: COMBINED_BLOBS }, randomBlob);
    await Promise.all(blobs.slice(0, threads * 2).map((blob) => engine.commit(blob)));
    return kzgCases(engine, loop, blobs, threads);
  },
};

async function kzgCases(
  engine: KzgEngine,
  loop: KzgLoop,
  blobs: readonly Uint8Array[],
  threads: number,
): Promise<readonly BenchCase[]> {
  const [blob] = blobs as [Uint8Array];
  const z = randomBlob().subarray(0, 32);
  const commitment = await engine.commit(blob);
  const { y, proof } = await engine.open(blob, z);
  const coefficients = blobs.map(() => bytesToBigInt(randomBytes(CHALLENGE_BYTES)));
  return [
    {
      name: 'commit',
      unit: 'MB/s',
      boundedBy: 'c-kzg in a loop on all cores',
      target: 0.9,
      bound: () => loop.commitRate(COMMITS_PER_CORE),
      product: async () => {
        const batch = Array.from({ length: COMMITS_PER_CORE * threads }, (_, i) => blobs[i % blobs.length] ?? blob);
        const elapsed = await timed(() => Promise.all(batch.map((each) => engine.commit(each))));
        return megabytesPerSecond(batch.length * PAYLOAD_BYTES, elapsed);
      },
    },
    {
      name: 'open',
      unit: 'ms',
      boundedBy: 'c-kzg in a loop on one core',
      target: 0.9,
      bound: () => loop.milliseconds('open', OPENINGS),
      product: () => eachTimed(OPENINGS, () => engine.open(blob, z)),
    },
    {
      name: 'verify',
      unit: 'ms',
      boundedBy: 'c-kzg in a loop on one core',
      target: 0.75,
      bound: () => loop.milliseconds('verify', VERIFICATIONS),
      product: () =>
        eachTimed(VERIFICATIONS, async () => {
          if (!(await engine.verify(commitment, z, y, proof))) throw new Error('the engine refused its own proof');
        }),
    },
    {
      name: 'combine',
      unit: 'ms',
      boundedBy: 'SHA-256 of the same blobs on one core; per blob',
      target: null,
      bound: async () => (BLOB_BYTES / MEGABYTE / hashRate(HASHED_BLOCKS)) * 1000,
      product: async () => (await timed(() => engine.combine(coefficients, blobs))) / blobs.length,
    },
  ];
}

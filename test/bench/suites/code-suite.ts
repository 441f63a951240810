import { availableParallelism } from 'node:os';
import { erasureCodes } from '../../../node/coding/codes.ts';
import { ReedSolomon } from '../../../node/coding/reed-solomon.ts';
import { createKzgEngine } from '../../../node/kzg/create-engine.ts';
import { Gf256Loop } from '../baselines/gf256-loop.ts';
import { randomBlob } from '../baselines/sizes.ts';
import type { BenchSuite } from '../harness.ts';
import { eachTimed } from '../timed.ts';

const K = 16;
const M = 8;
const STRIPES = 4;

/** The default erasure code beside the byte code's library alone: a stripe of 16+8, milliseconds. */
export const codeSuite: BenchSuite = {
  names: ['encode', 'reconstruct'],
  async start(stack) {
    const engine = createKzgEngine({ threads: availableParallelism() });
    await engine.start();
    stack.defer(() => engine.stop());
    const reedSolomon = new ReedSolomon();
    await reedSolomon.start();
    stack.defer(() => reedSolomon.stop());
    const loop = await Gf256Loop.start(K, M);
    const code = erasureCodes(engine, reedSolomon)(1);

    const data = Array.from({ length: K }, randomBlob);
    const stripe = [...data, ...(await code.encode(data, K, M))];
    const have = new Map(stripe.map((shard, index) => [index, shard] as const).slice(M));
    const want = Array.from({ length: M }, (_, index) => index);
    return [
      {
        name: 'encode',
        unit: 'ms',
        boundedBy: 'Reed–Solomon over GF(2⁸) in WebAssembly, 16+8, one core',
        target: null,
        bound: async () => loop.encodeMilliseconds(STRIPES),
        product: () => eachTimed(STRIPES, () => code.encode(data, K, M)),
      },
      {
        name: 'reconstruct',
        unit: 'ms',
        boundedBy: 'the same library, 8 data shards lost',
        target: null,
        bound: async () => loop.reconstructMilliseconds(STRIPES),
        product: () => eachTimed(STRIPES, () => code.reconstruct({ k: K, m: M, dataCount: K, have, want })),
      },
    ];
  },
};

import { availableParallelism } from 'node:os';
import { frLagrangeCode } from '../../../protocol/codes/fr-lagrange.ts';
import { createKzgEngine } from '../../kzg/create-engine.ts';
import { Gf256Loop } from '../baselines/gf256-loop.ts';
import { randomBlob } from '../baselines/sizes.ts';
import type { BenchSuite } from '../harness.ts';
import { eachTimed } from '../timed.ts';
import { casesBeside, startKzgLoop } from './c-kzg-baseline.ts';

const K = 16;
const M = 8;
const STRIPES = 4;
const COMMITMENTS = 4;
const WITH_BYTE_CODE = 'encode+parity.byte-code';

/** The default erasure code beside the byte code's library alone: a stripe of 16+8, milliseconds. */
export const codeSuite: BenchSuite = {
  names: ['encode', 'encode+parity', WITH_BYTE_CODE, 'reconstruct'],
  async start(stack, { clock, signal }, wanted) {
    const engine = createKzgEngine({ threads: availableParallelism() });
    await engine.start();
    stack.defer(() => engine.stop());
    const loop = await Gf256Loop.start(K, M);
    const cKzg = wanted(WITH_BYTE_CODE) ? await startKzgLoop(stack, 1) : '';
    const code = frLagrangeCode(engine);

    const data = Array.from({ length: K }, randomBlob);
    const commitments = await Promise.all(data.map((blob) => engine.commit(blob, signal)));
    const stripe = [...data, ...(await code.encode(data, K, M))];
    const have = new Map(stripe.map((shard, index) => [index, shard] as const).slice(M));
    const want = Array.from({ length: M }, (_, index) => index);
    const withParity = () =>
      eachTimed(clock, STRIPES, () =>
        Promise.all([code.encode(data, K, M), code.parityCommitments?.(commitments, K, M)]),
      );
    return [
      {
        name: 'encode',
        unit: 'ms',
        boundedBy: 'Reed–Solomon over GF(2⁸) in WebAssembly, 16+8, one core',
        target: null,
        bound: async () => loop.encodeMilliseconds(STRIPES),
        product: () => eachTimed(clock, STRIPES, () => code.encode(data, K, M)),
      },
      {
        name: 'encode+parity',
        unit: 'ms',
        boundedBy: 'the goal, a stripe of 16+8: parity shards and their commitments',
        target: 1,
        bound: async () => 15,
        product: withParity,
      },
      ...casesBeside(cKzg, [WITH_BYTE_CODE], (committing) => [
        {
          name: WITH_BYTE_CODE,
          unit: 'ms',
          boundedBy: 'the same with a byte code: encode, then 8 commitments by c-kzg on one core',
          target: null,
          bound: async () =>
            loop.encodeMilliseconds(STRIPES) + M * (await committing.milliseconds('commit', COMMITMENTS)),
          product: withParity,
        },
      ]),
      {
        name: 'reconstruct',
        unit: 'ms',
        boundedBy: 'the byte code, 8 data shards lost',
        target: null,
        bound: async () => loop.reconstructMilliseconds(STRIPES),
        product: () => eachTimed(clock, STRIPES, () => code.reconstruct({ k: K, m: M, dataCount: K, have, want })),
      },
    ];
  },
};

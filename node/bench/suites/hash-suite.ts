import { shardId } from '../../shard-id.ts';
import { hashRate } from '../baselines/hash-loop.ts';
import { BLOB_BYTES, megabytesPerSecond, randomBlob } from '../baselines/sizes.ts';
import type { BenchSuite } from '../harness.ts';
import { timed } from '../timed.ts';

const BLOCKS = 500;

/** The id of a shard, computed at each read and write, beside SHA-256 alone. */
export const hashSuite: BenchSuite = {
  names: ['hash'],
  async start(_stack, { clock }) {
    const shard = randomBlob();
    return [
      {
        name: 'hash',
        unit: 'MB/s',
        boundedBy: 'SHA-256 of 128 KiB blocks on one core',
        target: 0.9,
        bound: async () => hashRate(BLOCKS),
        product: async () => {
          const elapsed = await timed(clock, () => {
            for (let i = 0; i < BLOCKS; i++) shardId(shard);
          });
          return megabytesPerSecond(BLOCKS * BLOB_BYTES, elapsed);
        },
      },
    ];
  },
};

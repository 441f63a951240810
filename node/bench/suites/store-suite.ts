import { hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ShardStore } from '../../store/shard-store.ts';
import { LevelLoop } from '../baselines/level-loop.ts';
import { BLOB_BYTES, megabytesPerSecond, randomBlob } from '../baselines/sizes.ts';
import type { BenchContext } from '../bench-context.ts';
import type { BenchSuite } from '../harness.ts';
import { openShardFolder } from '../shard-folder.ts';
import { timed } from '../timed.ts';

const BATCH = 8;
/** 96 MiB: more than one write buffer, so that writing tables is part of the figure. */
const BATCHES = 96;
const ROUNDS_PER_ROUND = 2;
/** As an upload offers shards to a holder: calls of up to 64, two at a time. */
const SHARDS_PER_CALL = 64;
const CALLS = 2;
const OWNER = 'bench';

interface Shard {
  readonly id: Uint8Array;
  readonly bytes: Uint8Array;
}

/**
 * The shard store beside LevelDB alone, on the same disk. Each put goes to a database of its own: all databases of a
 * process share one background thread, and one side must not pay for the tables that the other left to it.
 */
export const storeSuite: BenchSuite = {
  names: ['store.put', 'store.get'],
  async start(stack, context) {
    const loop = await LevelLoop.start();
    stack.defer(() => loop.stop());
    await loop.putRate(BATCHES);
    const { store, close } = await openStore(context);
    stack.defer(close);
    const held = distinctShards(BATCH * BATCHES);
    await stageAll(context, store, held);
    return [
      {
        name: 'store.put',
        unit: 'MB/s',
        boundedBy: 'LevelDB alone, synced batches of 8 × 128 KiB',
        target: 0.85,
        repeat: ROUNDS_PER_ROUND,
        bound: barePutRate,
        product: () => putRate(context),
      },
      {
        name: 'store.get',
        unit: 'MB/s',
        boundedBy: 'LevelDB alone, 8 at a time, nothing checked',
        target: null,
        repeat: ROUNDS_PER_ROUND,
        bound: () => loop.getRate(BATCHES),
        product: async () => {
          const elapsed = await timed(context.clock, () => getScattered(store, held));
          return megabytesPerSecond(BATCH * BATCHES * BLOB_BYTES, elapsed);
        },
      },
    ];
  },
};

async function barePutRate(): Promise<number> {
  const loop = await LevelLoop.start();
  try {
    return await loop.putRate(BATCHES);
  } finally {
    await loop.stop();
  }
}

async function putRate(context: BenchContext): Promise<number> {
  const shards = distinctShards(BATCH * BATCHES);
  const { store, close } = await openStore(context);
  try {
    const elapsed = await timed(context.clock, () => stageAll(context, store, shards));
    return megabytesPerSecond(shards.length * BLOB_BYTES, elapsed);
  } finally {
    await close();
  }
}

async function openStore({ clock }: BenchContext): Promise<{ store: ShardStore; close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-store-'));
  const { store, close } = await openShardFolder(folder, clock);
  return {
    store,
    close: async () => {
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function stageAll({ random }: BenchContext, store: ShardStore, shards: readonly Shard[]): Promise<void> {
  const upload = random(16);
  let next = 0;
  const stageNext = async (): Promise<void> => {
    while (next < shards.length) {
      const call = shards.slice(next, next + SHARDS_PER_CALL);
      next += call.length;
      const ids = call.map(({ id }) => id);
      const ticket = await store.stage(OWNER, upload, ids);
      for (const { id, bytes } of call) await ticket.put(id, bytes);
      await ticket.commit();
    }
  };
  await Promise.all(Array.from({ length: CALLS }, stageNext));
}

async function getScattered(store: ShardStore, held: readonly Shard[]): Promise<void> {
  for (let batch = 0; batch < BATCHES; batch++) {
    const ids = Array.from({ length: BATCH }, (_, i) => held[((batch * BATCH + i) * 7919) % held.length]?.id);
    const shards = await Promise.all(ids.map((id) => (id === undefined ? undefined : store.get(id))));
    if (shards.some((shard) => shard?.length !== BLOB_BYTES)) throw new Error('the store lost a shard');
  }
}

function distinctShards(count: number): Shard[] {
  return Array.from({ length: count }, () => {
    const bytes = randomBlob();
    return { id: hash('sha256', bytes, 'buffer'), bytes };
  });
}

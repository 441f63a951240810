import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { assertCountersExact, openTestStores, shardOf, temporaryFolder } from '../../helpers/store-home.ts';

const CHILD = fileURLToPath(new URL('../../helpers/staging-child.ts', import.meta.url));
const CYCLES = 6;

/** Runs a process that stages, references and releases without end, and kills it after `lines` reports. */
async function killedRun(home: string, first: number, lines: number): Promise<Set<number>> {
  const child = spawn(process.execPath, [CHILD, home, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged = new Set<number>();
  for await (const line of createInterface({ input: child.stdout })) {
    const [kind, seed] = line.split(' ');
    if (kind === 'stored') acknowledged.add(Number(seed));
    else acknowledged.delete(Number(seed));
    if (--lines <= 0) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.equal(child.signalCode, 'SIGKILL');
  return acknowledged;
}

test('killed in the middle of stages: acknowledged shards are there and counters equal a recount', async (t) => {
  const home = await temporaryFolder(t);
  await (await openTestStores(t, { home, capacityBytes: 4000 * SHARD_BYTES })).close();
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const acknowledged = await killedRun(home, cycle * 1000, 5 + 9 * cycle);
    const stores = await openTestStores(t, { home, create: false, capacityBytes: 4000 * SHARD_BYTES });
    for (const seed of acknowledged) assert.ok(await stores.shards.get(shardOf(seed).id), `shard ${seed} was lost`);
    await assertCountersExact(stores);
    assert.equal(stores.shards.usage().reservedBytes, 0);
    // Claims and bytes are written together: a crash leaves no orphans.
    assert.equal(await stores.shards.collectOrphans(), 0);
    await stores.close();
  }
});

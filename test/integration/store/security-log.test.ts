import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeEntry } from '../../../node/audit-log/entry.ts';
import { verifyLog } from '../../../node/audit-log/verification.ts';
import { identityFromSeed } from '../../../node/identity/identity.ts';
import { META_NAMESPACES } from '../../../node/store/meta-namespaces.ts';
import { concat, u64 } from '../../../protocol/bytes.ts';
import { openTestStores, temporaryFolder } from '../../helpers/store-home.ts';

const CHILD = fileURLToPath(new URL('../../helpers/log-child.ts', import.meta.url));
const CYCLES = 6;
const { publicKey } = identityFromSeed(new Uint8Array(32).fill(5));

/** Runs the child and kills it after `lines` reports; returns the events that were durable before. */
async function killedRun(home: string, first: number, lines: number): Promise<number[]> {
  const child = spawn(process.execPath, [CHILD, home, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const durable: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    durable.push(Number(line));
    if (durable.length === lines) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.equal(child.signalCode, 'SIGKILL');
  return durable;
}

test('killed between writes: the log is whole, and holds what was durable', async (t) => {
  const home = await temporaryFolder(t);
  await (await openTestStores(t, { home })).close();
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const durable = await killedRun(home, cycle * 10_000, 20 + 211 * cycle);
    const stores = await openTestStores(t, { home, create: false });
    const store = stores.securityLog;
    const found = await verifyLog({ records: store.records(), head: await store.head(), publicKey });
    assert.equal(found.problem, undefined);
    const kept = new Set<number>();
    for await (const { bytes } of store.records()) {
      const entry = bytes === undefined ? 'unreadable' : decodeEntry(bytes);
      if (typeof entry === 'object' && entry.type === 'audit') kept.add(entry.data.n as number);
    }
    // The newest are below the bound of the log, so that none of them is pruned.
    for (const n of durable.slice(-50)) assert.ok(kept.has(n), `event ${n} was lost`);
    await stores.close();
  }
});

test('an entry of the database with a wrong checksum is named, not passed over', async (t) => {
  const home = await temporaryFolder(t);
  await (await openTestStores(t, { home })).close();
  await killedRun(home, 0, 20);
  const stores = await openTestStores(t, { home, create: false });
  const key = concat(Uint8Array.of(META_NAMESPACES.securityLog), u64(7));
  const value = (await stores.databases.meta.get(key)) as Uint8Array;
  await stores.databases.meta.write([{ type: 'put', key, value: value.with(3, (value[3] as number) ^ 1) }]);
  const store = stores.securityLog;
  const { problem } = await verifyLog({ records: store.records(), head: await store.head(), publicKey });
  assert.deepEqual([problem?.seq, problem?.kind], [7, 'unreadable']);
  const before = await Array.fromAsync(store.records({ before: 9, reverse: true }));
  assert.deepEqual(
    before.map(({ seq }) => seq),
    [8, 7, 6, 5, 4, 3, 2, 1],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf, openTestStores } from '../../helpers/store-home.ts';

const holder = signerOf('holder').publicKey;
const other = signerOf('other').publicKey;
const segment = cidOf('segment');

test('lost shards are kept by holder and segment until they are there again', async (t) => {
  const { lostShards } = await openTestStores(t);
  await lostShards.put(holder, segment, [3, 70_000], { why: 'declared', at: 5 });
  await lostShards.put(holder, segment, [3], { why: 'disproved', at: 6 });
  await lostShards.put(holder, cidOf('another'), [1], { why: 'silent', at: 7 });
  await lostShards.put(other, segment, [4], { why: 'garbage', at: 8 });
  assert.deepEqual(
    [...(await lostShards.of(holder, segment))],
    [
      [3, { why: 'disproved', at: 6 }],
      [70_000, { why: 'declared', at: 5 }],
    ],
  );
  const keys: string[] = [];
  for await (const key of lostShards.holders()) keys.push(Buffer.from(key).toString('hex'));
  assert.deepEqual(keys, [holder, other].map((key) => Buffer.from(key).toString('hex')).sort());
  await lostShards.remove(holder, segment, [3, 70_000, 9]);
  assert.equal((await lostShards.of(holder, segment)).size, 0);
  assert.equal((await lostShards.of(other, segment)).size, 1);
});

test('guarded roots are remembered until they are let go', async (t) => {
  const { guardedRoots } = await openTestStores(t);
  const root = cidOf('root');
  assert.equal(await guardedRoots.has(root), false);
  await guardedRoots.put(root, { since: 4 });
  assert.deepEqual(await guardedRoots.get(root), { since: 4 });
  await guardedRoots.put(root, { since: 4, first: false });
  assert.deepEqual(await guardedRoots.get(root), { since: 4, first: false });
  assert.equal(await guardedRoots.get(cidOf('another')), undefined);
  assert.equal(await guardedRoots.has(root), true);
  assert.equal(await guardedRoots.has(cidOf('another')), false);
  await guardedRoots.remove(root);
  await guardedRoots.remove(root);
  assert.equal(await guardedRoots.has(root), false);
});

test('what was seen of a holder is kept', async (t) => {
  const { holderFailures } = await openTestStores(t);
  assert.equal(await holderFailures.get(holder), undefined);
  await holderFailures.put(holder, { since: 1, failures: 2 });
  assert.deepEqual(await holderFailures.get(holder), { since: 1, failures: 2 });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { META_NAMESPACES } from '../../../node/store/meta-namespaces.ts';
import { cidOf, openTestStores } from '../../helpers/store-home.ts';

const LIMIT = 1000;
const nodeOf = (name: string, bytes: number) => {
  const content = new TextEncoder().encode(name.padEnd(bytes, '.'));
  return [cidOf(content), content] as const;
};

test('manifests kept for one peer are bounded; others and our own are not charged to it', async (t) => {
  const stores = await openTestStores(t, { manifestBytesPerPeer: LIMIT });
  const { manifests, clock, home } = stores;
  const [root, segment] = [nodeOf('root', 400), nodeOf('segment', 500)];
  await manifests.putRoot(...root, 'alice');
  await manifests.putSegment(root[0], ...segment);
  // Again is free, also when it comes twice at a time.
  await Promise.all([1, 2].map(() => manifests.putRoot(...root, 'alice')));
  await Promise.all([1, 2].map(() => manifests.putSegment(root[0], ...segment)));
  const refused = { code: 'quota-exceeded', message: /1000 manifest bytes for alice/ };
  await assert.rejects(manifests.putSegment(root[0], ...nodeOf('more', 101)), refused);
  await assert.rejects(manifests.putRoot(...nodeOf('another', 101), 'alice'), refused);
  assert.equal(await manifests.hasRoot(nodeOf('another', 101)[0]), false);
  await manifests.putSegment(root[0], ...nodeOf('last', 100));
  await manifests.putRoot(...nodeOf('of bob', LIMIT), 'bob');
  const own = nodeOf('own', 2 * LIMIT);
  await manifests.putRoot(...own);
  await manifests.putSegment(own[0], ...nodeOf('own segment', 2 * LIMIT));
  await stores.close();

  const again = await openTestStores(t, { home, clock, manifestBytesPerPeer: LIMIT });
  await assert.rejects(again.manifests.putRoot(...nodeOf('x', 1), 'alice'), refused);
  await Promise.all([1, 2].map(() => again.manifests.removeRoot(root[0])));
  await again.manifests.putRoot(...nodeOf('full', LIMIT), 'alice');
  await assert.rejects(again.manifests.putRoot(...nodeOf('x', 1), 'alice'), refused);
  for (const [name, bytes] of [
    ['full', LIMIT],
    ['of bob', LIMIT],
  ] as const) {
    await again.manifests.removeRoot(nodeOf(name, bytes)[0]);
  }
  const n = META_NAMESPACES.rootCharge;
  const { entries } = await again.databases.meta.page({ gte: Uint8Array.of(n), lt: Uint8Array.of(n + 1) });
  assert.deepEqual(entries, []);
});

test('a segment that goes alone gives its bytes back, and stays where another root needs it', async (t) => {
  const { manifests } = await openTestStores(t, { manifestBytesPerPeer: LIMIT });
  const [root, other, segment] = [nodeOf('root', 100), nodeOf('other', 100), nodeOf('segment', 400)];
  for (const one of [root, other]) {
    await manifests.putRoot(...one, 'alice');
    await manifests.putSegment(one[0], ...segment);
  }
  await assert.rejects(manifests.putRoot(...nodeOf('x', 1), 'alice'), { code: 'quota-exceeded' });
  for (let i = 0; i < 2; i++) await manifests.removeSegment(root[0], segment[0]);
  await manifests.putRoot(...nodeOf('full', 400), 'alice');
  await assert.rejects(manifests.putRoot(...nodeOf('x', 1), 'alice'), { code: 'quota-exceeded' });
  assert.ok(await manifests.get(segment[0]));
  assert.deepEqual(await Array.fromAsync(manifests.segmentsOf(root[0])), []);
  await manifests.removeSegment(other[0], segment[0]);
  assert.equal(await manifests.get(segment[0]), undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestStores } from '../../helpers/store-home.ts';

test('bans come back as they were put, also after a restart', async (t) => {
  const stores = await openTestStores(t);
  const ban = { peer: 'anna', at: 7, until: 9, reason: 'ä' };
  await stores.bans.put({ peer: 'anna', at: 1 });
  await stores.bans.put(ban);
  await stores.bans.put({ peer: 'ben', at: 8 });
  await stores.bans.put({ peer: 'carl', at: 8 });
  await stores.bans.remove('carl');
  await stores.bans.remove('nobody');
  await stores.close();
  const { bans } = await openTestStores(t, { home: stores.home, create: false });
  const all = await Array.fromAsync(bans.list());
  assert.deepEqual(
    all.sort((a, b) => a.at - b.at),
    [ban, { peer: 'ben', at: 8 }],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bans } from '../../../node/placement/bans.ts';
import type { Ban } from '../../../node/store/ban-store.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

function open(maxBans = 100) {
  const stored = new Map<string, Ban>();
  const clock = new ManualClock(1000);
  const events: string[] = [];
  const store = {
    put: async (ban: Ban) => void stored.set(ban.peer, ban),
    remove: async (peer: string) => void stored.delete(peer),
    list: async function* () {
      yield* [...stored.values()];
    },
  };
  const create = () =>
    new Bans({
      store,
      clock,
      maxBans,
      onBanned: ({ peer }) => events.push(`+${peer}`),
      onUnbanned: (peer) => events.push(`-${peer}`),
    });
  return { stored, store, clock, events, create, bans: create() };
}

test('a ban holds until it is lifted, also after a restart', async () => {
  const { bans, create, events, stored } = open();
  assert.deepEqual(await bans.ban('a', { reason: 'slow' }), { peer: 'a', at: 1000, reason: 'slow' });
  const again = create();
  await again.start();
  assert.equal(again.isBanned('a'), true);
  assert.deepEqual(again.list(), [{ peer: 'a', at: 1000, reason: 'slow' }]);
  assert.equal(await again.unban('a'), true);
  assert.equal(await again.unban('a'), false);
  assert.deepEqual([again.isBanned('a'), stored.size, events], [false, 0, ['+a', '-a']]);
  await again.stop();
});

test('a ban for a time ends by itself and leaves nothing behind', async () => {
  const { bans, clock, create, stored, events } = open();
  await bans.ban('a', { forMs: 500 });
  await bans.ban('b');
  await clock.advance(499);
  assert.equal(bans.get('a')?.until, 1500);
  await clock.advance(1);
  assert.deepEqual([bans.isBanned('a'), bans.list().map(({ peer }) => peer)], [false, ['b']]);
  await create().start();
  assert.deepEqual([...stored.keys()], ['b']);
  assert.equal(await bans.unban('a'), false);
  assert.deepEqual(events, ['+a', '+b']);
});

test('a second ban takes the place of the first; there is a most of them, and ended ones make room', async () => {
  const { bans, clock } = open(2);
  await bans.ban('a', { forMs: 10 });
  await bans.ban('b');
  await bans.ban('b', { reason: 'again' });
  assert.equal(bans.get('b')?.reason, 'again');
  await assert.rejects(bans.ban('c'), { type: { code: 'too-many-bans', maximum: 2 } });
  await clock.advance(10);
  await bans.ban('c');
  assert.deepEqual(
    bans
      .list()
      .map(({ peer }) => peer)
      .sort(),
    ['b', 'c'],
  );
});

test('changes at the same time end as the last one says, and a failure of the disk changes nothing', async () => {
  const { bans, stored, store } = open();
  await Promise.all([bans.ban('a'), bans.unban('a'), bans.ban('a', { reason: 'last' })]);
  assert.deepEqual([bans.get('a')?.reason, stored.get('a')?.reason], ['last', 'last']);
  store.put = () => Promise.reject(new Error('disk'));
  await assert.rejects(bans.ban('b'), /disk/);
  assert.equal(bans.isBanned('b'), false);
  store.remove = () => Promise.reject(new Error('disk'));
  await assert.rejects(bans.unban('a'), /disk/);
  assert.equal(bans.isBanned('a'), true);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { Announcer } from '../../../node/holdings/announcer.ts';
import { silentLogger } from '../../../node/log.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { cidOf } from '../../helpers/store-home.ts';

function announcer(kept: CID[], provide: (root: CID, asked: number) => number) {
  const clock = new ManualClock();
  const told: string[] = [];
  const withdrawn: string[] = [];
  const made = new Announcer({
    async *kept() {
      yield* kept;
    },
    async provide(root) {
      told.push(root.toString());
      return provide(root, told.length);
    },
    async unprovide(root) {
      withdrawn.push(root.toString());
    },
    clock,
    log: silentLogger,
  });
  return { made, clock, told, withdrawn };
}

const [A, B] = [cidOf('a'), cidOf('b')];
const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

test('what was kept before the start is announced at once, and what is kept later after its upload', async () => {
  const { made, clock, told, withdrawn } = announcer([A], () => 3);
  made.start();
  await settled();
  assert.deepEqual(told, [A.toString()]);
  made.kept(B);
  await settled();
  assert.deepEqual(told, [A.toString()]);
  await clock.advance(2_000);
  await settled();
  assert.deepEqual(told, [A, B].map(String));
  made.released(A);
  assert.deepEqual(withdrawn, [A.toString()]);
  await made.stop();
});

test('while nobody takes a record it is offered again, less and less often', async () => {
  const { made, clock, told } = announcer([A], (_, asked) => (asked < 4 ? 0 : 1));
  made.start();
  await settled();
  for (const [minutes, expected] of [
    [0.25, 2],
    [0.5, 3],
    [1, 4],
    [60, 4],
  ] as const) {
    await clock.advance(minutes * 60_000);
    await settled();
    assert.equal(told.length, expected, `${minutes}`);
  }
  await made.stop();
});

test('a root that fails does not hold up the others for good', async () => {
  const { made, clock, told } = announcer([A, B], (root) => {
    if (root.equals(A)) throw new Error('broken');
    return 1;
  });
  made.start();
  await settled();
  assert.ok(told.includes(B.toString()));
  for (let i = 0; i < 5; i++) await clock.advance(10 * 60_000);
  await settled();
  assert.equal(told.filter((root) => root === A.toString()).length, 3);
  const C = cidOf('c');
  made.kept(C);
  await settled();
  await clock.advance(2_000);
  await settled();
  assert.ok(told.includes(C.toString()));
  await made.stop();
});

test('what is released before it was announced is never announced', async () => {
  const { made, clock, told } = announcer([], () => 3);
  made.start();
  await settled();
  made.kept(A);
  await settled();
  made.released(A);
  await clock.advance(2_000);
  await settled();
  assert.deepEqual(told, []);
  await made.stop();
});

test('it stops in the middle of waiting', async () => {
  const { made, clock } = announcer([A], () => 0);
  made.start();
  await settled();
  assert.equal(clock.sleeping, 1);
  await made.stop();
  assert.equal(clock.sleeping, 0);
});

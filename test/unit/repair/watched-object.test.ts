import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WatchedObject } from '../../../node/repair/watched-object.ts';
import { cidOf } from '../../helpers/store-home.ts';

const PAUSE_MS = 3_600_000;

function object(rebuild: readonly number[]) {
  const watched = new WatchedObject(cidOf('root'), 0);
  const plan = { rebuild, spread: [1], stripes: [0], impossible: [], daysToLoss: 1, margin: 0 };
  const need = { position: 0, segment: cidOf('segment'), plan };
  watched.found([need], 0);
  return { watched, need };
}

describe('a repair that came to nothing', () => {
  test('is tried again at ever longer intervals, up to a day, while shards only crowd', () => {
    const { watched } = object([]);
    const pauses = Array.from({ length: 7 }, () => {
      watched.failed(0, 0, PAUSE_MS);
      return watched.mayBegin(0, 0) / PAUSE_MS;
    });
    assert.deepEqual(pauses, [1, 2, 4, 8, 16, 24, 24]);
  });

  test('is tried in each interval when something is lost, also after it had only crowded', () => {
    const { watched, need } = object([]);
    for (let i = 0; i < 5; i++) watched.failed(0, 0, PAUSE_MS);
    watched.found([{ ...need, plan: { ...need.plan, rebuild: [0] } }], 0);
    assert.equal(watched.mayBegin(0, 0), 0);
    for (let i = 0; i < 5; i++) watched.failed(0, 0, PAUSE_MS);
    assert.equal(watched.mayBegin(0, 0), PAUSE_MS);
  });

  test('what others say causes one look in each turn', () => {
    const { watched } = object([]);
    assert.deepEqual(
      [0, 10, 20, 150, 500].map((now) => watched.mayLook(now, 100)),
      [0, 100, 100, 200, 500],
    );
  });
});

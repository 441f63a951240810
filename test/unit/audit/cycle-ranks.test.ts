import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CycleRanks } from '../../../node/audit/cycle-ranks.ts';
import { cidOf } from '../../helpers/store-home.ts';

const rank = (n: number): string => n.toString(16).padStart(32, '0');
const row = (n: number) => ({ rank: rank(n), root: cidOf(`root ${n}`), segment: cidOf(`segment ${n}`) });
const ROWS = [2, 4, 6, 8].map(row);

test('what follows a rank comes in order, as it was', () => {
  const order = new CycleRanks(rank(1), ROWS, false);
  for (const [from, expected] of [
    [1, [2, 4, 6, 8]],
    [4, [4, 6, 8]],
    [5, [6, 8]],
    [9, []],
  ] as const) {
    assert.deepEqual(
      [...order.after(rank(from))].map(({ rank: r, root, segment }) => `${r} ${root} ${segment}`),
      expected.map(row).map(({ rank: r, root, segment }) => `${r} ${root} ${segment}`),
    );
  }
});

test('it tells only what lies within it', () => {
  const part = new CycleRanks(rank(1), ROWS, false);
  const whole = new CycleRanks(rank(1), ROWS, true);
  assert.deepEqual(
    [0, 1, 7, 8, 9].map((n) => part.covers(rank(n))),
    [false, true, true, false, false],
  );
  assert.deepEqual(
    [0, 1, 8, 9].map((n) => whole.covers(rank(n))),
    [false, true, true, true],
  );
});

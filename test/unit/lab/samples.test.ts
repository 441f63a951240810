import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Samples } from '../../../node/lab/record/samples.ts';

test('a run of any length leaves a bounded, evenly spread list with its first and its last sample', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 2000 }), (half, count) => {
      const samples = new Samples<number>(2 * half);
      for (let i = 0; i < count; i++) samples.add(i);
      const kept = samples.list();
      assert.ok(kept.length <= 2 * half + 1);
      assert.ok(kept.length >= Math.min(count, half));
      assert.equal(kept[0], 0);
      assert.equal(kept.at(-1), count - 1);
      const steps = new Set(kept.slice(1, -1).map((value, i) => value - (kept[i] as number)));
      assert.ok(steps.size <= 1, 'the same pause between all but the last two');
    }),
  );
});

test('a limit that cannot be halved is refused', () => {
  for (const limit of [0, 1, 3, 2.5]) assert.throws(() => new Samples(limit), RangeError);
});

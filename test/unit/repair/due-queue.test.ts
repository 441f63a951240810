import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DueQueue } from '../../../node/repair/due-queue.ts';

type Step = readonly [kind: 'set' | 'notLater' | 'delete' | 'take', key: string, at: number];
const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom('set', 'notLater', 'delete', 'take'),
  fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  fc.nat({ max: 50 }),
);

test('what is due first comes first, whatever was changed meanwhile', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const queue = new DueQueue<string>();
      const model = new Map<string, number>();
      for (const [kind, key, at] of steps) {
        const known = model.get(key);
        if (kind === 'set') {
          queue.set(key, at);
          model.set(key, at);
        } else if (kind === 'notLater') {
          queue.notLater(key, at);
          if (known !== undefined) model.set(key, Math.min(known, at));
        } else if (kind === 'delete') {
          queue.delete(key);
          model.delete(key);
        } else {
          const next = queue.peek();
          assert.equal(next?.at, model.size === 0 ? undefined : Math.min(...model.values()));
          if (next === undefined) continue;
          assert.equal(model.get(next.key), next.at);
          queue.delete(next.key);
          model.delete(next.key);
        }
      }
    }),
  );
});

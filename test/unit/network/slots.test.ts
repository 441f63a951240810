import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Slots } from '../../../node/network/slots.ts';

const never = new AbortController().signal;

test('runs as many as allowed and passes each slot on in order', async () => {
  const slots = new Slots(10);
  const order: number[] = [];
  const first = await slots.take('k', 1, never);
  const others = [1, 2, 3].map(async (i) => {
    const release = await slots.take('k', 1, never);
    order.push(i);
    release?.();
  });
  await nextTurn();
  assert.deepEqual(order, []);
  assert.ok(await slots.take('other', 1, never), 'keys do not wait for each other');
  first?.();
  first?.();
  await Promise.all(others);
  assert.deepEqual(order, [1, 2, 3]);
});

test('one that stops waiting leaves the queue', async () => {
  const slots = new Slots(1);
  const held = await slots.take('k', 1, never);
  const controller = new AbortController();
  const waiting = slots.take('k', 1, controller.signal);
  controller.abort(new Error('gone'));
  await assert.rejects(waiting, /gone/);
  const next = slots.take('k', 1, never);
  held?.();
  assert.ok(await next);
});

test('the queue is bounded', async () => {
  const slots = new Slots(1);
  const held = await slots.take('k', 1, never);
  const waiting = slots.take('k', 1, never);
  assert.equal(await slots.take('k', 1, never), undefined);
  held?.();
  (await waiting)?.();
});

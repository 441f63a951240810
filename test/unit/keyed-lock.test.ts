import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyedLock } from '../../node/keyed-lock.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('one after the other under a key, side by side under others', async () => {
  const lock = new KeyedLock();
  const gate = Promise.withResolvers<void>();
  const order: string[] = [];
  const work = (name: string, wait?: Promise<void>) => async () => {
    order.push(name);
    await wait;
    return name;
  };
  const first = lock.run('a', undefined, work('first', gate.promise));
  const second = lock.run('a', undefined, work('second'));
  assert.equal(await lock.run('b', undefined, work('other')), 'other');
  assert.deepEqual(order, ['first', 'other']);
  gate.resolve();
  assert.deepEqual(await Promise.all([first, second]), ['first', 'second']);
});

test('a failure is the own affair of who failed', async () => {
  const lock = new KeyedLock();
  const failing = lock.run('a', undefined, async () => {
    throw new Error('broken');
  });
  const next = lock.run('a', undefined, async () => 'fine');
  await assert.rejects(failing, /broken/);
  assert.equal(await next, 'fine');
});

test('who is aborted while waiting leaves at once and never runs; who has begun is waited for', async () => {
  const lock = new KeyedLock();
  const gate = Promise.withResolvers<void>();
  const leaving = new AbortController();
  const begun = new AbortController();
  let ran = false;
  const first = lock.run('a', begun.signal, async () => {
    await gate.promise;
    return 'whole';
  });
  const waiting = lock.run('a', leaving.signal, async () => {
    ran = true;
  });
  await settled();
  leaving.abort(new Error('gone'));
  begun.abort(new Error('too late'));
  await assert.rejects(waiting, /gone/);
  gate.resolve();
  assert.equal(await first, 'whole');
  assert.equal(await lock.run('a', undefined, async () => 'after'), 'after');
  assert.equal(ran, false);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedWork } from '../../node/shared-work.ts';

function started() {
  const result = Promise.withResolvers<string>();
  let seen: AbortSignal | undefined;
  let abandoned = 0;
  const work = new SharedWork(
    (signal) => {
      seen = signal;
      return result.promise;
    },
    () => abandoned++,
  );
  return { work, result, signal: () => seen as AbortSignal, abandoned: () => abandoned };
}

test('one caller that leaves takes nothing from the others', async () => {
  const { work, result, signal, abandoned } = started();
  const gone = new AbortController();
  const left = work.join(gone.signal);
  const stays = work.join(new AbortController().signal);
  gone.abort(new Error('gone'));
  await assert.rejects(left, /gone/);
  assert.equal(signal().aborted, false);
  result.resolve('done');
  assert.equal(await stays, 'done');
  assert.equal(abandoned(), 0);
});

test('the work is given up when the last caller leaves', async () => {
  const { work, signal, abandoned } = started();
  const callers = [new AbortController(), new AbortController()];
  const waiting = callers.map(({ signal: own }) => work.join(own));
  for (const caller of callers) caller.abort(new Error('gone'));
  for (const one of waiting) await assert.rejects(one, /gone/);
  assert.equal(signal().aborted, true);
  assert.equal(abandoned(), 1);
});

test('a failure reaches every caller', async () => {
  const { work, result } = started();
  const waiting = [work.join(new AbortController().signal), work.join(new AbortController().signal)];
  result.reject(new Error('broken'));
  for (const one of waiting) await assert.rejects(one, /broken/);
});

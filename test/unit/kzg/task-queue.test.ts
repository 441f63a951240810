import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextTurn } from '../../../node/kzg/next-turn.ts';
import { TaskQueue } from '../../../node/kzg/task-queue.ts';

/** Tasks that end when told to, and the order in which they began. */
function fixture() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const task = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
  };
  const end = async (name: string) => {
    ends.get(name)?.();
    await nextTurn();
  };
  return { begun, task, end };
}

test('runs at most so many at a time, urgent ones first, others in order', async () => {
  const { begun, task, end } = fixture();
  const queue = new TaskQueue(2, 10);
  const results = ['a', 'b', 'c', 'd'].map((name) => queue.run(task(name)));
  results.push(queue.run(task('urgent'), { urgent: true }));
  assert.deepEqual(begun, ['a', 'b']);
  assert.equal(queue.queued, 3);
  for (const name of ['b', 'a', 'urgent', 'c', 'd']) await end(name);
  assert.deepEqual(begun, ['a', 'b', 'urgent', 'c', 'd']);
  assert.deepEqual(await Promise.all(results), ['a', 'b', 'c', 'd', 'urgent']);
});

test('refuses what is more than may wait, and takes more when there is room', async () => {
  const { task, end } = fixture();
  const queue = new TaskQueue(1, 1);
  const results = [queue.run(task('a')), queue.run(task('b'))];
  await assert.rejects(queue.run(task('c')), { code: 'queue-full', type: { code: 'queue-full', limit: 1 } });
  await end('a');
  results.push(queue.run(task('d')));
  await end('b');
  await end('d');
  assert.deepEqual(await Promise.all(results), ['a', 'b', 'd']);
});

test('an abort takes a waiting task out and keeps a running one in its place until it ends', async () => {
  const { begun, task, end } = fixture();
  const queue = new TaskQueue(1, 10);
  const abort = new AbortController();
  const reason = new Error('enough');
  const aborted = ['a', 'b'].map((name) => queue.run(task(name), { signal: abort.signal }));
  const last = queue.run(task('c'));
  abort.abort(reason);
  for (const promise of aborted) await assert.rejects(promise, reason);
  assert.deepEqual(begun, ['a']);
  await end('a');
  assert.deepEqual(begun, ['a', 'c']);
  await end('c');
  assert.equal(await last, 'c');
  await assert.rejects(queue.run(task('d'), { signal: abort.signal }), reason);
});

test('a task that fails gives its place free', async () => {
  const queue = new TaskQueue(1, 1);
  const failure = new Error('no');
  await assert.rejects(
    queue.run(async () => Promise.reject(failure)),
    failure,
  );
  assert.equal(await queue.run(async () => 'next'), 'next');
});

test('a stop rejects what waits and what comes, and what runs goes on', async () => {
  const { begun, task, end } = fixture();
  const queue = new TaskQueue(1, 10);
  const first = queue.run(task('a'));
  const waiting = [queue.run(task('b')), queue.run(task('c'), { urgent: true })];
  const reason = new Error('no more');
  queue.stop(reason);
  for (const promise of [...waiting, queue.run(task('d'))]) await assert.rejects(promise, reason);
  await end('a');
  assert.equal(await first, 'a');
  assert.deepEqual([begun, queue.queued], [['a'], 0]);
});

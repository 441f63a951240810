import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StoreError } from '../../../node/store/errors.ts';
import { type BatchWriter, type Operation, WriteQueue, type WriteTask } from '../../../node/store/write-queue.ts';

const LIMITS = { maxBatchBytes: 40, maxPendingBytes: 80 };
const operation = (n: number): Operation => ({ type: 'put', key: Uint8Array.of(n), value: Uint8Array.of(n) });
const put = (n: number, bytes = 10): WriteTask => ({
  bytes,
  exclusive: false,
  essential: false,
  build: () => [operation(n)],
});
const full = (): StoreError => new StoreError({ code: 'disk-full', path: '/x' });

/** Records batches; holds each until `go`, and fails those that `fail` names. */
class Recorder implements BatchWriter {
  readonly batches: number[][] = [];
  readonly settled: boolean[] = [];
  readonly failures: unknown[] = [];
  hold: PromiseWithResolvers<void> | undefined;

  async write(operations: readonly Operation[]): Promise<void> {
    this.batches.push(operations.map(({ key }) => key[0] as number));
    await this.hold?.promise;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }

  settle(ok: boolean): void {
    this.settled.push(ok);
  }
}

test('tasks that arrive during a write share the next batch, in order and bounded', async () => {
  const writer = new Recorder();
  const queue = new WriteQueue(writer, LIMITS);
  writer.hold = Promise.withResolvers();
  const first = queue.enqueue(put(0));
  await nextTurn();
  const rest = [1, 2, 3, 4, 5].map((n) => queue.enqueue(put(n)));
  writer.hold.resolve();
  await Promise.all([first, ...rest].map(({ durable }) => durable));
  assert.deepEqual(writer.batches, [[0], [1, 2, 3, 4], [5]]);
});

test('no more than the limit is accepted before it is durable', async () => {
  const writer = new Recorder();
  const queue = new WriteQueue(writer, LIMITS);
  writer.hold = Promise.withResolvers();
  const accepted: number[] = [];
  const tasks = Array.from({ length: 12 }, (_, n) => queue.enqueue(put(n)));
  tasks.forEach(({ accepted: promise }, n) => void promise.then(() => accepted.push(n)));
  await nextTurn();
  assert.deepEqual(accepted, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(queue.pendingBytes, 80);
  writer.hold.resolve();
  await Promise.all(tasks.map(({ durable }) => durable));
  assert.equal(accepted.length, 12);
  assert.equal(queue.pendingBytes, 0);
});

test('a task larger than the limit goes alone instead of waiting for ever', async () => {
  const writer = new Recorder();
  const queue = new WriteQueue(writer, LIMITS);
  await Promise.all([
    queue.enqueue(put(1)).durable,
    queue.enqueue(put(2, 1000)).durable,
    queue.enqueue(put(3)).durable,
  ]);
  assert.deepEqual(writer.batches, [[1], [2], [3]]);
});

test('an exclusive task is alone in its batch and its refusal harms nobody else', async () => {
  const writer = new Recorder();
  const queue = new WriteQueue(writer, LIMITS);
  const refusal = new Error('refused');
  const before = queue.enqueue(put(1)).durable;
  const refused = queue.enqueue({ ...put(2), exclusive: true, build: () => Promise.reject(refusal) }).durable;
  const exclusive = queue.enqueue({ ...put(3), exclusive: true }).durable;
  const after = queue.enqueue(put(4)).durable;
  await assert.rejects(refused, refusal);
  await Promise.all([before, exclusive, after]);
  assert.deepEqual(writer.batches, [[1], [3], [4]]);
  assert.deepEqual(writer.settled, [true, false, true, true]);
});

test('a failed batch rejects its own tasks; those behind it are written', async () => {
  const writer = new Recorder();
  const queue = new WriteQueue(writer, LIMITS);
  writer.failures.push(new Error('disk'));
  const [a, b] = [queue.enqueue(put(1, 40)).durable, queue.enqueue(put(2, 40)).durable];
  await assert.rejects(a, /disk/);
  await b;
});

test('on a full disk only essential tasks are tried once more', async () => {
  const writer = new Recorder();
  const queue = new WriteQueue(writer, LIMITS);
  writer.failures.push(full());
  await queue.enqueue({ ...put(1), essential: true }).durable;
  writer.failures.push(full());
  await assert.rejects(queue.enqueue(put(2)).durable, { code: 'disk-full' });
  writer.failures.push(full(), full());
  await assert.rejects(queue.enqueue({ ...put(3), essential: true }).durable, { code: 'disk-full' });
  assert.deepEqual(writer.batches, [[1], [1], [2], [3], [3]]);
});

test('close waits for what was taken and refuses the rest', async () => {
  const writer = new Recorder();
  const queue = new WriteQueue(writer, LIMITS);
  const taken = [1, 2, 3].map((n) => queue.enqueue(put(n, 40)).durable);
  await queue.close();
  await Promise.all(taken);
  assert.equal(writer.batches.length, 3);
  await assert.rejects(queue.enqueue(put(4)).durable, { code: 'closed' });
});

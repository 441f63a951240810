import assert from 'node:assert/strict';
import events from 'node:events';
import { afterEach, test } from 'node:test';
import { siblingModule, WorkerPool } from '../../../node/kzg/worker-pool.ts';
import type { FixtureJobs } from './pool-fixture.ts';

const started: WorkerPool<FixtureJobs>[] = [];
const gates: Gate[] = [];

afterEach(async () => {
  for (const gate of gates.splice(0)) gate.open();
  await Promise.all(started.splice(0).map((pool) => pool.stop()));
});

function pool(options: { threads?: number; queueLimit?: number; stopGraceMs?: number } = {}): WorkerPool<FixtureJobs> {
  const { threads = 1, queueLimit = 100, ...rest } = options;
  const created = new WorkerPool<FixtureJobs>({
    module: siblingModule('pool-fixture', import.meta.url),
    threads,
    queueLimit,
    ...rest,
  });
  created.start();
  started.push(created);
  return created;
}

/** A job that holds its thread until it is opened. */
class Gate {
  readonly view = new Int32Array(new SharedArrayBuffer(8));

  constructor() {
    gates.push(this);
  }

  /** Resolves when a worker stands at the gate. */
  async reached(): Promise<void> {
    const { async: isAsync, value } = Atomics.waitAsync(this.view, 0, 0);
    if (isAsync) await value;
  }

  open(): void {
    Atomics.store(this.view, 1, 1);
    Atomics.notify(this.view, 1);
  }
}

const bytes = Uint8Array.of(1, 2, 3);

test('no thread starts before the first job', async () => {
  const jobs = pool();
  assert.equal(jobs.workers, 0);
  assert.deepEqual(await jobs.run('echo', { bytes }), bytes);
  assert.equal(jobs.workers, 1);
});

test('threads grow with the queue, up to the limit', async () => {
  const jobs = pool({ threads: 2 });
  const held = [new Gate(), new Gate(), new Gate()];
  const results = held.map(({ view }) => jobs.run('wait', { gate: view }));
  await Promise.all([held[0]?.reached(), held[1]?.reached()]);
  assert.equal(jobs.workers, 2);
  assert.equal(jobs.queued, 1);
  for (const gate of held) gate.open();
  await Promise.all(results);
  assert.equal(jobs.workers, 2);
  assert.equal(jobs.queued, 0);
});

test('one idle thread serves jobs that come one after the other', async () => {
  const jobs = pool({ threads: 4 });
  for (let i = 0; i < 5; i++) await jobs.run('echo', { bytes });
  assert.equal(jobs.workers, 1);
});

test('the queue is bounded', async () => {
  const jobs = pool({ queueLimit: 2 });
  const gate = new Gate();
  const running = jobs.run('wait', { gate: gate.view });
  const waiting = [jobs.run('echo', { bytes }), jobs.run('echo', { bytes })];
  await assert.rejects(jobs.run('echo', { bytes }), { code: 'queue-full', type: { code: 'queue-full', limit: 2 } });
  gate.open();
  await Promise.all([running, ...waiting]);
  assert.deepEqual(await jobs.run('echo', { bytes }), bytes);
});

test('urgent jobs go first', async () => {
  const jobs = pool();
  const gate = new Gate();
  const order: string[] = [];
  const running = jobs.run('wait', { gate: gate.view });
  const all = [
    jobs.run('echo', { bytes }).then(() => order.push('first')),
    jobs.run('echo', { bytes }).then(() => order.push('second')),
    jobs.run('echo', { bytes }, { urgent: true }).then(() => order.push('urgent')),
  ];
  gate.open();
  await Promise.all([running, ...all]);
  assert.deepEqual(order, ['urgent', 'first', 'second']);
});

test('jobs for the first thread start no other one, and wait for it before what is urgent', async () => {
  const jobs = pool({ threads: 2 });
  const gate = new Gate();
  const order: string[] = [];
  const running = jobs.run('wait', { gate: gate.view }, { first: true });
  await gate.reached();
  const waiting = jobs.run('echo', { bytes }, { first: true }).then(() => order.push('of the first'));
  assert.deepEqual([jobs.workers, jobs.queued], [1, 1]);
  await jobs.run('echo', { bytes });
  assert.deepEqual([jobs.workers, jobs.queued, order], [2, 1, []]);
  const other = new Gate();
  const held = jobs.run('wait', { gate: other.view });
  await other.reached();
  const urgent = jobs.run('echo', { bytes }, { urgent: true }).then(() => order.push('urgent'));
  gate.open();
  await Promise.all([running, waiting, urgent]);
  assert.deepEqual(order, ['of the first', 'urgent']);
  other.open();
  await held;
});

test('an aborted job leaves the queue and never runs', async () => {
  const jobs = pool();
  const gate = new Gate();
  const running = jobs.run('wait', { gate: gate.view });
  const shared = new Uint8Array(new SharedArrayBuffer(1));
  const controller = new AbortController();
  const aborted = jobs.run('mark', { bytes: shared }, { signal: controller.signal });
  assert.equal(jobs.queued, 1);
  const reason = new Error('changed my mind');
  controller.abort(reason);
  await assert.rejects(aborted, reason);
  assert.equal(jobs.queued, 0);
  gate.open();
  await running;
  await jobs.run('echo', { bytes });
  assert.equal(shared[0], 0);
});

test('an aborted running job rejects at once; its thread goes on to the next when it is done', async () => {
  const jobs = pool();
  const gate = new Gate();
  const controller = new AbortController();
  const running = jobs.run('wait', { gate: gate.view }, { signal: controller.signal });
  await gate.reached();
  const next = jobs.run('echo', { bytes });
  controller.abort(new Error('no longer needed'));
  await assert.rejects(running, /no longer needed/);
  gate.open();
  assert.deepEqual(await next, bytes);
  assert.equal(jobs.workers, 1);
});

test('a signal that is aborted already starts nothing', async () => {
  const jobs = pool();
  const signal = AbortSignal.abort(new Error('before'));
  await assert.rejects(jobs.run('echo', { bytes }, { signal }), /before/);
  assert.equal(jobs.workers, 0);
});

test('a job that settles leaves no listener on its signal', async () => {
  const jobs = pool();
  const { signal } = new AbortController();
  const before = events.getEventListeners(signal, 'abort').length;
  await jobs.run('echo', { bytes }, { signal });
  await assert.rejects(jobs.run('fail', {}, { signal }));
  assert.equal(events.getEventListeners(signal, 'abort').length, before);
});

for (const { name, start, cause } of [
  { name: 'exits', start: (jobs: WorkerPool<FixtureJobs>) => jobs.run('exit', { code: 7 }), cause: undefined },
  {
    name: 'throws where no one listens',
    start: (jobs: WorkerPool<FixtureJobs>) => jobs.run('explode', {}),
    cause: /explodes/,
  },
]) {
  test(`a thread that ${name} rejects its job, and another takes the rest of the queue`, async () => {
    const jobs = pool();
    const crashing = start(jobs);
    const next = jobs.run('echo', { bytes });
    await assert.rejects(crashing, (error: Error & { code?: string }) => {
      assert.equal(error.code, 'worker-crashed');
      if (cause !== undefined) assert.match(String(error.cause), cause);
      return true;
    });
    assert.deepEqual(await next, bytes);
  });
}

test('a crash leaves the jobs of other threads alone', async () => {
  const jobs = pool({ threads: 2 });
  const gate = new Gate();
  const held = jobs.run('wait', { gate: gate.view });
  await gate.reached();
  await assert.rejects(jobs.run('exit', { code: 1 }), { code: 'worker-crashed' });
  gate.open();
  assert.equal(await held, 1);
});

test('an error in a job rejects that job only', async () => {
  const jobs = pool();
  await assert.rejects(jobs.run('fail', {}), { code: 'backend-failed', message: 'the fixture fails' });
  assert.deepEqual(await jobs.run('echo', { bytes }), bytes);
  assert.equal(jobs.workers, 1);
});

test('what cannot be sent rejects its job, and the pool goes on', async () => {
  const jobs = pool();
  const unsendable = { bytes, extra: () => {} };
  await assert.rejects(jobs.run('echo', unsendable), { name: 'DataCloneError' });
  assert.deepEqual(await jobs.run('echo', { bytes }), bytes);
});

test('stop lets a thread end what it does, or an addon inside a call would end the process', async () => {
  const jobs = pool();
  const gate = new Gate();
  const running = jobs.run('wait', { gate: gate.view });
  await gate.reached();
  const rejected = assert.rejects(running, { code: 'stopped' });
  const stopping = jobs.stop();
  await rejected;
  gate.open();
  await stopping;
  assert.equal(Atomics.load(gate.view, 0), 2);
});

test('stop rejects what runs and what waits, refuses what comes, and cuts off a thread that hangs', async () => {
  const jobs = pool({ stopGraceMs: 0 });
  const gate = new Gate();
  const running = jobs.run('wait', { gate: gate.view });
  await gate.reached();
  const waiting = jobs.run('echo', { bytes });
  const outcomes = Promise.allSettled([running, waiting]);
  await jobs.stop();
  for (const outcome of await outcomes) {
    assert.equal(outcome.status, 'rejected');
    assert.equal((outcome as PromiseRejectedResult).reason.code, 'stopped');
  }
  await assert.rejects(jobs.run('echo', { bytes }), { code: 'stopped' });
  assert.equal(jobs.workers, 0);
});

test('a view is sent without the rest of its buffer and stays usable', async () => {
  const jobs = pool();
  const view = Uint8Array.of(9, 8, 7, 6).subarray(1, 3);
  const echoed = await jobs.run('echo', { bytes: view });
  assert.deepEqual(echoed, Uint8Array.of(8, 7));
  assert.equal(echoed.buffer.byteLength, 2);
  assert.deepEqual(view, Uint8Array.of(8, 7));
});

test('shared memory is not copied', async () => {
  const jobs = pool();
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  await jobs.run('mark', { bytes: shared });
  assert.equal(shared[0], 0xff);
  const own = new Uint8Array(4);
  await jobs.run('mark', { bytes: own });
  assert.equal(own[0], 0);
});

test('worker modules have the extension of the code that names them', () => {
  assert.equal(siblingModule('worker', 'file:///app/node/kzg/worker-pool.ts').href, 'file:///app/node/kzg/worker.ts');
  assert.equal(siblingModule('worker', 'file:///app/dist/kzg/worker-pool.js').href, 'file:///app/dist/kzg/worker.js');
});

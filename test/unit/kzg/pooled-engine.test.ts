import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { BACKENDS } from '../../../node/kzg/backend.ts';
import { FieldKernel } from '../../../node/kzg/field-kernel.ts';
import type { ComputeJobs } from '../../../node/kzg/job-protocol.ts';
import { knownBlob } from '../../../node/kzg/known-answer.ts';
import { plainMapper } from '../../../node/kzg/plain-sum.ts';
import { PooledEngine } from '../../../node/kzg/pooled-engine.ts';
import { WorkerPool } from '../../../node/kzg/worker-pool.ts';
import { withoutLibrary } from '../../helpers/libraries.ts';
import { ALWAYS } from './engine-fixture.ts';

const blobs = [knownBlob(5n), knownBlob(6n)];
const row = [3n, -4n];
const [sum] = plainMapper.map([row], blobs) as [Uint8Array];
/** Wrong in every element. */
const bent = (blob: Uint8Array) => blob.map((byte, i) => (i % 32 === 31 ? byte ^ 1 : byte)) as Uint8Array<ArrayBuffer>;

/** An engine that checks every call, with what stands in for its threads. */
async function engineOf(t: TestContext, answer: (op: string, input: never) => unknown) {
  const dropped: string[] = [];
  t.mock.method(WorkerPool.prototype, 'run', async (op: string, input: never) => answer(op, input));
  const engine = new PooledEngine({
    threads: 1,
    random: ALWAYS,
    backends: BACKENDS,
    queueLimit: 1,
    cachedPoints: 1,
    onDropped: (name, reason) => dropped.push(`${name}: ${reason}`),
  });
  await engine.start();
  t.after(() => engine.stop());
  return { engine, dropped };
}

test('a field kernel that errs in a sum is given up, and the sum made again in plain integers', async (t) => {
  const { engine, dropped } = await engineOf(t, () => assert.fail('no thread is needed'));
  const { readBlob } = FieldKernel.prototype;
  t.mock.method(FieldKernel.prototype, 'readBlob', function (this: FieldKernel, offset: number) {
    return bent(readBlob.call(this, offset));
  });
  assert.deepEqual(await engine.combine(row, blobs), sum);
  assert.deepEqual(dropped, ['wasm: a sum of blobs differs from plain arithmetic']);
  assert.deepEqual([engine.drops, engine.nameOf('combine')], [1, 'plain']);
});

test('a field kernel that errs in a map is given up, and the map made again in plain integers', async (t) => {
  const { engine, dropped } = await engineOf(t, (_, { rows, blobs: inputs, plain }: ComputeJobs['map']['input']) => {
    const results = plainMapper.map(rows, inputs);
    return plain ? results : results.map(bent);
  });
  assert.deepEqual(await engine.linearMap([row], blobs), [sum]);
  assert.deepEqual(dropped, ['wasm: a linear map differs from plain arithmetic']);
  assert.deepEqual([engine.drops, engine.nameOf('linearMap')], [1, 'plain']);
  const reports = new Map(engine.operations().map((report) => [report.operation, report.candidates]));
  for (const operation of ['combine', 'linearMap'] as const) {
    assert.deepEqual(reports.get(operation), [
      { backend: 'plain', state: 'used', detail: 'first in order, not measured yet' },
      { backend: 'wasm', state: 'dropped', detail: 'a linear map differs from plain arithmetic' },
    ]);
  }
});

test('a library that refuses to verify what is well-formed is followed by the next one', {
  skip: BACKENDS.map(withoutLibrary).find((reason) => reason !== false) ?? false,
}, async (t) => {
  const asked: string[] = [];
  const malformed: number[][] = [[], [], [1], [0]];
  const { engine, dropped } = await engineOf(t, (op, { library }: { library: string }) => {
    if (op === 'invalid') return malformed.shift();
    asked.push(library);
    return asked.length === 2 ? true : 'refused';
  });
  const candidates = () => engine.operations()[0]?.candidates.map(({ backend, state }) => `${backend}: ${state}`);
  assert.deepEqual(candidates(), ['c-kzg: used', 'eth-kzg: ready']);
  const verify = () => engine.verify(new Uint8Array(48), new Uint8Array(32), new Uint8Array(32), new Uint8Array(48));
  assert.equal(await verify(), true);
  assert.deepEqual(dropped, ['c-kzg: c-kzg refused to verify a well-formed opening']);
  assert.deepEqual(candidates(), ['eth-kzg: used', 'c-kzg: dropped']);
  // The last one refuses: there is no answer, unless the proof or the commitment is malformed.
  await assert.rejects(verify(), { code: 'backend-failed' });
  assert.equal(await verify(), false);
  await assert.rejects(verify(), { code: 'invalid-commitment' });
  assert.deepEqual(asked, ['c-kzg', 'eth-kzg', 'eth-kzg', 'eth-kzg', 'eth-kzg']);
  assert.deepEqual([engine.backend, dropped.length], ['eth-kzg', 1]);
});

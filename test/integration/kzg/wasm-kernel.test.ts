import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import type { ComputeJobs } from '../../../node/kzg/job-protocol.ts';
import { KNOWN_ANSWERS, wrongAnswer } from '../../../node/kzg/known-answer.ts';
import { WasmKernel } from '../../../node/kzg/wasm/wasm-kernel.ts';
import { siblingModule, WorkerPool } from '../../../node/kzg/worker-pool.ts';
import { randomBlob } from '../../helpers/edge-blobs.ts';

const pool = new WorkerPool<ComputeJobs>({
  module: siblingModule('worker', new URL('../../../node/kzg/pooled-engine.ts', import.meta.url).href),
  threads: 2,
  queueLimit: 4,
  workerData: { backend: 'none: these jobs need no library' },
});
pool.start();
after(() => pool.stop());
const kernel = new WasmKernel(pool);

test('commits and opens on the worker pool without any library', async () => {
  assert.equal(await wrongAnswer(kernel), undefined);
  assert.equal(KNOWN_ANSWERS.length, 2);
});

test('refuses bad input and obeys an abort like the other kernels', async () => {
  const blob = randomBlob(randomBytes);
  await assert.rejects(kernel.commit(blob.subarray(1)), { code: 'invalid-length' });
  await assert.rejects(kernel.commit(blob.with(32, 0xff)), {
    code: 'non-canonical-element',
    type: { code: 'non-canonical-element', element: 1 },
  });
  await assert.rejects(kernel.open(blob, new Uint8Array(32).fill(0xff)), { code: 'non-canonical-element' });
  const reason = new Error('enough');
  await assert.rejects(kernel.commit(blob, AbortSignal.abort(reason)), reason);
});

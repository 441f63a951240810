import { parentPort } from 'node:worker_threads';
import { ReedSolomonErasure } from '@subspace/reed-solomon-erasure.wasm';
import type { GfJob, GfReply } from './reed-solomon.ts';

/**
 * Runs the byte code beside the event loop. The library copies the stripe into its memory and the results out of it,
 * and frees what it allocated; its memory grows to the largest stripe met (≤ 2 · 8 MiB) and ends with this thread.
 */
let library: Promise<ReedSolomonErasure> | undefined;

async function run(job: GfJob): Promise<number> {
  library ??= ReedSolomonErasure.fromCurrentDirectory();
  const code = await library;
  const { stripe, k, m } = job;
  if (job.present !== undefined) {
    const result = code.reconstruct(stripe, k, m, [...job.present]);
    // The library rebuilds data shards only; parity follows from complete data.
    if (result !== ReedSolomonErasure.RESULT_OK || !job.parity) return result;
  }
  return code.encode(stripe, k, m);
}

const port = parentPort;
port?.on('message', async (job: GfJob) => {
  let reply: GfReply;
  try {
    reply = { id: job.id, result: await run(job), stripe: job.stripe };
  } catch (error) {
    // A trap leaves the instance's allocator in an unknown state: the next job gets a new instance.
    library = undefined;
    reply = { id: job.id, error: String(error) };
  }
  port.postMessage(reply, reply.stripe === undefined ? [] : [reply.stripe.buffer as ArrayBuffer]);
});

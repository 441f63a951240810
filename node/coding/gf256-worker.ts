import { parentPort } from 'node:worker_threads';
import { Gf256Library } from './gf256-library.ts';
import type { GfJob, GfReply } from './reed-solomon.ts';

/** Runs the byte code beside the event loop, one stripe after the other. */
const library = new Gf256Library();

function run({ stripe, k, m, present, parity }: GfJob): number {
  const result = present === undefined ? 0 : library.reconstruct(stripe, k, m, present);
  // The library rebuilds data only; parity follows from complete data.
  return result === 0 && (present === undefined || parity === true) ? library.encode(stripe, k, m) : result;
}

const port = parentPort;
port?.on('message', (job: GfJob) => {
  let reply: GfReply;
  try {
    reply = { id: job.id, result: run(job), stripe: job.stripe };
  } catch (error) {
    reply = { id: job.id, error: String(error) };
  }
  port.postMessage(reply, reply.stripe === undefined ? [] : [reply.stripe.buffer as ArrayBuffer]);
});

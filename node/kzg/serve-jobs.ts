import { parentPort, type Transferable } from 'node:worker_threads';
import { KzgError } from './engine.ts';
import type { EndMessage, JobMessage, JobReply, JobTable } from './job-protocol.ts';

type MaybePromise<T> = T | Promise<T>;

/** One function per operation of the table; `transfer` in the result moves buffers instead of copying them. */
export type JobHandlers<T extends JobTable<T>> = {
  readonly [K in keyof T]: (
    input: T[K]['input'],
  ) => MaybePromise<{ readonly output: T[K]['output']; readonly transfer?: readonly Transferable[] }>;
};

/** Answers the jobs of the parent thread, one at a time (the pool sends the next one after the reply). */
export function serveJobs<T extends JobTable<T>>(handlers: JobHandlers<T>): void {
  if (parentPort === null) throw new Error('this module runs as a worker thread only');
  const port = parentPort;
  const table = handlers as unknown as Record<
    string,
    (input: unknown) => MaybePromise<JobReply & { transfer?: Transferable[] }>
  >;
  port.on('message', async (message: JobMessage | EndMessage) => {
    // Ends this thread only.
    if ('end' in message) process.exit();
    const { op, input } = message;
    try {
      const handler = table[op];
      if (handler === undefined) throw new RangeError(`the worker has no operation ${op}`);
      const { transfer = [], ...reply } = await handler(input);
      port.postMessage(reply, transfer);
    } catch (error) {
      port.postMessage({ error: describe(error) } satisfies JobReply);
    }
  });
}

function describe(error: unknown): { type?: KzgError['type']; message: string } {
  if (error instanceof KzgError) return { type: error.type, message: error.message };
  return { message: error instanceof Error ? error.message : String(error) };
}

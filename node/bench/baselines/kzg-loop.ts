import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { KzgOperation, KzgRequest } from './kzg-worker.ts';
import { megabytesPerSecond, PAYLOAD_BYTES } from './sizes.ts';

/** c-kzg in bare loops on one thread or on all; threads stay loaded between rounds. */
export class KzgLoop {
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  static async start(threads: number): Promise<KzgLoop> {
    const workers = Array.from({ length: threads }, () => new Worker(new URL('./kzg-worker.ts', import.meta.url)));
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    return new KzgLoop(workers);
  }

  /** Milliseconds of one operation on one thread, the others idle. */
  async milliseconds(operation: KzgOperation, count: number): Promise<number> {
    return (await run(this.#workers.slice(0, 1), { operation, count })) / count;
  }

  /** Payload megabytes that all threads together commit in a second, `count` blobs each. */
  async commitRate(count: number): Promise<number> {
    const elapsed = await run(this.#workers, { operation: 'commit', count });
    return megabytesPerSecond(this.#workers.length * count * PAYLOAD_BYTES, elapsed);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

async function run(workers: readonly Worker[], request: KzgRequest): Promise<number> {
  const start = performance.now();
  await Promise.all(
    workers.map((worker) => {
      const answer = once(worker, 'message');
      worker.postMessage(request);
      return answer;
    }),
  );
  return performance.now() - start;
}

import type { Accelerator } from '../accelerator.ts';
import { assertBlob, assertPoint } from '../checks.ts';
import type { Opening } from '../engine.ts';
import type { ComputeJobs } from '../job-protocol.ts';
import type { WorkerPool } from '../worker-pool.ts';

/** Commitments and openings in WebAssembly on the compute workers; each makes its tables (0.6 s) when first used. */
export class WasmKernel implements Accelerator {
  readonly name = 'wasm';
  #loaded = false;
  readonly #pool: Pick<WorkerPool<ComputeJobs>, 'run'>;

  constructor(pool: Pick<WorkerPool<ComputeJobs>, 'run'>) {
    this.#pool = pool;
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  /** @throws KzgError `backend-failed` when this machine computes wrong results with it */
  async commit(blob: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    assertBlob(blob);
    const commitment = await this.#pool.run('wasmCommit', { blob }, { signal });
    this.#loaded = true;
    return commitment;
  }

  async open(blob: Uint8Array, z: Uint8Array, signal?: AbortSignal): Promise<Opening> {
    assertBlob(blob);
    assertPoint(z);
    const opening = await this.#pool.run('wasmOpen', { blob, z }, { signal, urgent: true });
    this.#loaded = true;
    return opening;
  }
}

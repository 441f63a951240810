import { assertBlob, assertPoint } from '../checks.ts';
import type { KzgEngine, Opening } from '../engine.ts';
import type { ComputeJobs } from '../job-protocol.ts';
import type { WorkerPool } from '../worker-pool.ts';

/** Commitments and openings in WebAssembly on the compute workers; each makes its tables (0.6 s) when first used. */
export class WasmKernel implements Pick<KzgEngine, 'commit' | 'open'> {
  readonly name = 'wasm';
  readonly #pool: Pick<WorkerPool<ComputeJobs>, 'run'>;

  constructor(pool: Pick<WorkerPool<ComputeJobs>, 'run'>) {
    this.#pool = pool;
  }

  /** @throws KzgError `backend-failed` when this machine computes wrong results with it */
  async commit(blob: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    assertBlob(blob);
    return this.#pool.run('wasmCommit', { blob }, { signal });
  }

  async open(blob: Uint8Array, z: Uint8Array, signal?: AbortSignal): Promise<Opening> {
    assertBlob(blob);
    assertPoint(z);
    return this.#pool.run('wasmOpen', { blob, z }, { signal, urgent: true });
  }
}

import { availableParallelism } from 'node:os';
import { type RandomBytes, systemRandom } from '../random.ts';
import { BACKENDS, type BackendName } from './backend.ts';
import type { KzgEngine } from './engine.ts';
import { PooledEngine } from './pooled-engine.ts';

export interface KzgEngineOptions {
  /** Compute threads at most; they start when needed. Default: the cores of this machine. */
  readonly threads?: number;
  /** Source of the batch check's coefficients; must be unpredictable. Default: the system's. */
  readonly random?: RandomBytes;
  /** Take this library and no other. Default: c-kzg, else eth-kzg. */
  readonly backend?: BackendName;
  /** Jobs that may wait. Default 4,096: the shards of four segments. */
  readonly queueLimit?: number;
  /** Decoded points kept. Default 32,768, about 16 MB when full: two audits of the largest size. */
  readonly cachedPoints?: number;
}

/** A KZG engine on worker threads. Nothing is loaded before `start`, and no trusted setup before the first job. */
export function createKzgEngine(options: KzgEngineOptions = {}): KzgEngine {
  const { backend, threads = availableParallelism(), random = systemRandom } = options;
  const { queueLimit = 4096, cachedPoints = 32_768 } = options;
  const backends = backend === undefined ? BACKENDS : [backend];
  return new PooledEngine({ threads, random, backends, queueLimit, cachedPoints });
}

import { availableParallelism } from 'node:os';
import { type RandomBytes, systemRandom } from '../random.ts';
import { AcceleratedEngine, type Accelerator } from './accelerated-engine.ts';
import { BACKENDS, type BackendName } from './backend.ts';
import type { KzgEngine } from './engine.ts';
import { loadNativeKernel } from './native/load-native-kernel.ts';
import { PooledEngine } from './pooled-engine.ts';

export interface KzgEngineOptions {
  /** Compute threads at most; they start when needed. Default: the cores of this machine. */
  readonly threads?: number;
  /** Source of the batch check's coefficients; must be unpredictable. Default: the system's. */
  readonly random?: RandomBytes;
  /** Take this library and nothing else, also no kernel of our own. Default: c-kzg, else eth-kzg. */
  readonly backend?: BackendName;
  /** Jobs that may wait. Default 4,096: the shards of four segments. */
  readonly queueLimit?: number;
  /** Decoded points kept. Default 32,768, about 16 MB when full: two audits of the largest size. */
  readonly cachedPoints?: number;
  /** Told of a kernel that failed and is used no more. */
  readonly onDropped?: (name: string, error: unknown) => void;
}

/** Threads of libuv's pool (UV_THREADPOOL_SIZE) that are left to files, databases and ciphers. */
const OTHER_POOL_THREADS = 2;
const DEFAULT_POOL_THREADS = 4;

/**
 * A KZG engine that never blocks the event loop: the native kernel where it was built, WebAssembly elsewhere, and an
 * audited library to verify. Nothing is loaded before `start`, and no trusted setup of the library before it is needed.
 */
export function createKzgEngine(options: KzgEngineOptions = {}): KzgEngine {
  const { backend, threads = availableParallelism(), random = systemRandom } = options;
  const { queueLimit = 4096, cachedPoints = 32_768, onDropped = () => undefined } = options;
  const backends = backend === undefined ? BACKENDS : [backend];
  const library = new PooledEngine({ threads, random, backends, queueLimit, cachedPoints });
  if (backend !== undefined) return library;
  return new AcceleratedEngine({
    library,
    random,
    onDropped,
    accelerators: () => accelerators(library, Math.min(threads, poolThreads()), queueLimit, random),
  });
}

async function accelerators(
  library: PooledEngine,
  threads: number,
  queueLimit: number,
  random: RandomBytes,
): Promise<readonly Accelerator[]> {
  const native = await loadNativeKernel({ threads, queueLimit, random });
  const wasm = library.wasmKernel();
  return 'kernel' in native ? [native.kernel, wasm] : [wasm];
}

function poolThreads(): number {
  const size = Number(process.env.UV_THREADPOOL_SIZE ?? DEFAULT_POOL_THREADS);
  return Math.max(1, (Number.isInteger(size) ? size : DEFAULT_POOL_THREADS) - OTHER_POOL_THREADS);
}

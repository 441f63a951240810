import { scrypt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { type Clock, systemClock } from '../clock.ts';
import { type RandomBytes, systemRandom } from '../random.ts';
import { AcceleratedEngine } from './accelerated-engine.ts';
import type { Accelerator } from './accelerator.ts';
import { BACKENDS, type BackendName } from './backend.ts';
import type { CalibrationCache } from './calibration-cache.ts';
import type { KzgEngine } from './engine.ts';
import type { Unavailable } from './kernel-table.ts';
import { loadNativeKernel } from './native/load-native-kernel.ts';
import { PooledEngine } from './pooled-engine.ts';

/** Our own kernels, the fastest first, then the libraries, which also verify. */
export const FORCIBLE_BACKENDS = ['native', 'wasm', ...BACKENDS] as const;
export type ForcibleBackend = (typeof FORCIBLE_BACKENDS)[number];

export interface KzgEngineOptions {
  /** Compute threads at most; they start when needed. Default: the cores of this machine. */
  readonly threads?: number;
  /** Source of the batch check's coefficients; must be unpredictable. Default: the system's. */
  readonly random?: RandomBytes;
  readonly clock?: Clock;
  /** Take this one and no other kernel or library to commit and open; `start` fails where it does not work. */
  readonly backend?: ForcibleBackend;
  /** Jobs that may wait. Default 4,096: the shards of four segments. */
  readonly queueLimit?: number;
  /** Decoded points kept. Default 32,768, about 16 MB when full: two audits of the largest size. */
  readonly cachedPoints?: number;
  /** Compares the backends when there is time and keeps the result. Default: the fixed order stands. */
  readonly calibration?: CalibrationCache;
  /** Told of a kernel or library that failed and is used no more. */
  readonly onDropped?: (name: string, reason: string) => void;
}

/** Threads of libuv's pool (UV_THREADPOOL_SIZE) that are left to files, databases and ciphers. */
const OTHER_POOL_THREADS = 2;
const DEFAULT_POOL_THREADS = 4;

/**
 * A KZG engine that never blocks the event loop: the native kernel where it was built, WebAssembly elsewhere, and an
 * audited library to verify. Nothing is loaded before `start`, and no trusted setup of the library before it is needed.
 */
export function createKzgEngine(options: KzgEngineOptions = {}): KzgEngine {
  const { backend, threads = availableParallelism(), random = systemRandom, clock = systemClock } = options;
  const { queueLimit = 4096, cachedPoints = 32_768, onDropped = () => undefined, calibration } = options;
  const kernel = backend === 'native' || backend === 'wasm' ? backend : undefined;
  const backends: readonly BackendName[] =
    backend === undefined || backend === 'native' || backend === 'wasm' ? BACKENDS : [backend];
  const library = new PooledEngine({ threads, random, backends, queueLimit, cachedPoints, onDropped });
  if (backends !== BACKENDS) return library;
  return new AcceleratedEngine({
    library,
    random,
    clock,
    onDropped,
    poolAnswers,
    kernels: () => kernels(library, kernel, { threads: Math.min(threads, poolThreads()), queueLimit, random }),
    ...(kernel === undefined ? {} : { required: kernel }),
    // Who insists on a kernel gets it, also where the library is faster.
    ...(calibration === undefined || kernel !== undefined ? {} : { calibration }),
  });
}

/** All kernels, or the one that is `forced`. */
async function kernels(
  library: PooledEngine,
  forced: 'native' | 'wasm' | undefined,
  options: { readonly threads: number; readonly queueLimit: number; readonly random: RandomBytes },
): Promise<readonly (Accelerator | Unavailable)[]> {
  const found: (Accelerator | Unavailable)[] = [];
  if (forced !== 'wasm') {
    const native = await loadNativeKernel(options);
    found.push('kernel' in native ? native.kernel : { name: 'native', reason: native.unavailable });
  }
  if (forced !== 'native') {
    const wasm = library.wasmKernel();
    // It gives its known answers when it is first used; who insists on it has to know now.
    const reason = forced === undefined ? undefined : await whyNot(wasm);
    found.push(reason === undefined ? wasm : { name: 'wasm', reason });
  }
  return found;
}

async function whyNot(kernel: Accelerator): Promise<string | undefined> {
  try {
    await kernel.commit(new Uint8Array(SHARD_BYTES));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** With the least cost there is: what counts is that it is computed on libuv's pool. */
function poolAnswers(): Promise<void> {
  return new Promise((resolve) => scrypt('', '', 1, { N: 2, r: 1, p: 1 }, () => resolve()));
}

function poolThreads(): number {
  const size = Number(process.env.UV_THREADPOOL_SIZE ?? DEFAULT_POOL_THREADS);
  return Math.max(1, (Number.isInteger(size) ? size : DEFAULT_POOL_THREADS) - OTHER_POOL_THREADS);
}

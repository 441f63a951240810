import { AcceleratedEngine, type AcceleratedEngineOptions } from '../../../node/kzg/accelerated-engine.ts';
import type { Accelerator, LibraryEngine } from '../../../node/kzg/accelerator.ts';
import type { BlobAccumulator } from '../../../node/kzg/engine.ts';
import type { Unavailable } from '../../../node/kzg/kernel-table.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const answer = (name: string) => encoder.encode(name);
export const nameOf = (bytes: Uint8Array) => decoder.decode(bytes);
export const blob = new Uint8Array(SHARD_BYTES);

/** Random bytes that never choose a call for a check, and ones that choose every call. */
export const NEVER = (count: number) => new Uint8Array(count).fill(255);
export const ALWAYS = (count: number) => new Uint8Array(count);

export function zeroSum(result: () => Uint8Array = () => new Uint8Array(SHARD_BYTES)): BlobAccumulator {
  return { add: () => undefined, finish: result };
}

/** A library that answers with its own name; `over` replaces what a test needs. */
export function library(over: Partial<LibraryEngine> = {}): LibraryEngine {
  const engine: LibraryEngine = {
    backend: 'c-kzg',
    loaded: true,
    beside: () => [],
    drops: 0,
    threads: 1,
    start: async () => undefined,
    stop: async () => undefined,
    operations: () => [],
    nameOf: () => 'c-kzg',
    commit: async () => answer('library'),
    open: async () => ({ y: answer('library'), proof: answer('library') }),
    verify: async () => true,
    accumulator: () => zeroSum(),
    combine: async () => answer('library'),
    linearMap: async () => [answer('library')],
    combineCommitments: async () => answer('library'),
    invalidCommitments: async () => [],
    batchCheck: async () => [],
    checkOpening: async () => true,
    checked: () => engine,
    ...over,
  };
  return engine;
}

export function kernel(name: string, over: Partial<Accelerator> = {}): Accelerator {
  const commit = async () => answer(name);
  return { name, loaded: true, commit, open: async () => ({ y: answer(name), proof: answer(name) }), ...over };
}

export async function started(
  kernels: readonly (Accelerator | Unavailable)[],
  over: Partial<AcceleratedEngineOptions> = {},
) {
  const dropped: string[] = [];
  const clock = new ManualClock();
  const engine = new AcceleratedEngine({
    library: library(),
    random: NEVER,
    clock,
    poolAnswers: async () => undefined,
    kernels: async () => kernels,
    onDropped: (name, reason) => dropped.push(`${name}: ${reason}`),
    ...over,
  });
  await engine.start();
  return { engine, dropped, clock };
}

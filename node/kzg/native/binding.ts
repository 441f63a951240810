import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { builtFiles } from './built-files.ts';

declare const accumulatorBrand: unique symbol;

/** Memory of the addon; collected with this handle. */
export interface AccumulatorHandle {
  readonly [accumulatorBrand]: true;
}

/**
 * The addon's functions (native/addon/operations.h). Coefficients are bigints between −r/2 and r/2; failures are Errors
 * with a `code`, `index` and `element`.
 */
export interface NativeBinding {
  supported(): boolean;
  init(points: Uint8Array, areas: number, seed: Uint8Array): Promise<unknown>;
  commit(blob: Uint8Array): Promise<Uint8Array>;
  /** y, then the proof. */
  open(blob: Uint8Array, z: Uint8Array): Promise<Uint8Array>;
  createAccumulator(): AccumulatorHandle;
  accumulate(accumulator: AccumulatorHandle, coefficient: bigint, blob: Uint8Array): void;
  finish(accumulator: AccumulatorHandle): Uint8Array;
  linearMap(coefficients: readonly bigint[], rows: number, blobs: readonly Uint8Array[]): Promise<Uint8Array[]>;
  pack(payload: Uint8Array, out: Uint8Array): void;
  unpack(shard: Uint8Array, out: Uint8Array): void;
  combineCommitments(coefficients: readonly bigint[], rows: number, points: Uint8Array): Promise<Uint8Array>;
  invalidCommitments(points: Uint8Array): Promise<Uint8Array>;
}

/** Areas at most, as the addon has it: commitments that run at the same time. */
export const AREAS_MAX = 64;

/** What node-gyp builds, the faster one first. */
const CANDIDATES = ['holdfast_kzg_avx512.node', 'holdfast_kzg.node'].flatMap(builtFiles);

/** The built addons, in the order in which they are tried. */
export function addonPaths(paths: readonly string[] = CANDIDATES): string[] {
  return paths.filter((candidate) => existsSync(candidate));
}

/** Each built addon that this processor can run, or why it cannot be used; at least one answer. */
export function* bindings(paths?: readonly string[]): Generator<NativeBinding | string> {
  const found = addonPaths(paths);
  if (found.length === 0) yield 'it was not built: there was no compiler at install, or the build failed';
  for (const path of found) yield load(path);
}

/** The first of them that works, or why the last one does not. */
export function loadBinding(paths?: readonly string[]): NativeBinding | string {
  let reason = '';
  for (const binding of bindings(paths)) {
    if (typeof binding !== 'string') return binding;
    reason = binding;
  }
  return reason;
}

function load(path: string): NativeBinding | string {
  try {
    const binding = createRequire(import.meta.url)(path) as NativeBinding;
    return binding.supported() ? binding : 'the processor has no AVX2 and FMA';
  } catch (error) {
    return `it does not load: ${error instanceof Error ? error.message : error}`;
  }
}

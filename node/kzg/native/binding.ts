import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

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

/** Where node-gyp builds, seen from the source tree and from `dist/`. */
const CANDIDATES = ['../../../build/Release/holdfast_kzg.node', '../../../../build/Release/holdfast_kzg.node'].map(
  (path) => fileURLToPath(new URL(path, import.meta.url)),
);

/** The built addon. */
export function addonPath(paths: readonly string[] = CANDIDATES): string | undefined {
  return paths.find((candidate) => existsSync(candidate));
}

/** The addon, or why there is none. */
export function loadBinding(paths?: readonly string[]): NativeBinding | string {
  const path = addonPath(paths);
  if (path === undefined) return 'it was not built: there was no compiler at install, or the build failed';
  try {
    const binding = createRequire(import.meta.url)(path) as NativeBinding;
    return binding.supported() ? binding : 'the processor has no AVX2 and FMA';
  } catch (error) {
    return `it does not load: ${error instanceof Error ? error.message : error}`;
  }
}

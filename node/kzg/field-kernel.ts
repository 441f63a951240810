import { readFileSync } from 'node:fs';
import { bigIntToBytes, equalBytes } from '../../protocol/bytes.ts';
import { FIELD_ELEMENT_BYTES, SHARD_BYTES } from '../../protocol/constants.ts';
import { FR_MODULUS } from '../../protocol/field.ts';
import { compileWasm, instantiateWasm, type WasmMemory, type WasmModule } from '../web-assembly.ts';
import { assertBlob, nonCanonicalElement } from './checks.ts';
import { centred } from './short-coefficient.ts';

/**
 * The WebAssembly field kernel (native/wasm): linear combinations of blobs over Fr.
 *
 * It has two families of the same functions: `fma` is fast and needs a fused multiply-add, which WebAssembly's relaxed
 * SIMD does not promise; `integer` is exact everywhere. The choice is made once per thread by a known-answer test.
 */
export type KernelFamily = 'fma' | 'integer';

/** Blobs and rows of one `map`. */
export const MAX_MAP_SIDE = 64;

interface FamilyFunctions {
  clear(accumulator: number): void;
  accumulate(accumulator: number, blob: number, coefficient: number, used: number): void;
  finish(accumulator: number, out: number): void;
  map(out: number, blobs: number, matrix: number, rows: number, columns: number, used: number): void;
  accumulator_bytes(): number;
}

interface LimbLayout {
  readonly bits: number;
  readonly count: number;
  readonly bytes: number;
  write(view: DataView, offset: number, value: number): void;
}

const LAYOUTS: Readonly<Record<KernelFamily, LimbLayout>> = {
  fma: { bits: 51, count: 5, bytes: 8, write: (view, offset, value) => view.setFloat64(offset, value, true) },
  integer: { bits: 26, count: 10, bytes: 4, write: (view, offset, value) => view.setInt32(offset, value, true) },
};

const PAGE_BYTES = 65_536;
const ALIGNMENT = 64;

interface KernelExports extends Readonly<Record<string, unknown>> {
  readonly memory: WasmMemory;
  readonly __heap_base: { readonly value: number };
  first_non_canonical(blob: number): number;
}

let compiled: WasmModule | undefined;

function instantiate(): KernelExports {
  compiled ??= compileWasm(readFileSync(new URL('./field-kernel.wasm', import.meta.url)));
  return instantiateWasm(compiled);
}

function familyFunctions(exports: KernelExports, family: KernelFamily): FamilyFunctions {
  const names = ['clear', 'accumulate', 'finish', 'map', 'accumulator_bytes'] as const;
  return Object.fromEntries(names.map((name) => [name, exports[`${family}_${name}`]])) as unknown as FamilyFunctions;
}

/**
 * One instance of the kernel with a memory of its own. Offsets come from `reserve` and stay valid for its lifetime;
 * memory grows to the largest layout asked for and never shrinks.
 */
export class FieldKernel {
  readonly family: KernelFamily;
  readonly functions: FamilyFunctions;
  readonly limbBytes: number;
  readonly #memory: WasmMemory;
  readonly #firstNonCanonical: (blob: number) => number;
  readonly #layout: LimbLayout;
  readonly #heapBase: number;
  #bytes: Uint8Array;

  constructor(family: KernelFamily = kernelFamily()) {
    const exports = instantiate();
    this.family = family;
    this.functions = familyFunctions(exports, family);
    this.#layout = LAYOUTS[family];
    this.limbBytes = this.#layout.bytes * this.#layout.count;
    this.#memory = exports.memory;
    this.#firstNonCanonical = exports.first_non_canonical;
    this.#heapBase = Math.ceil(exports.__heap_base.value / ALIGNMENT) * ALIGNMENT;
    this.#bytes = new Uint8Array(this.#memory.buffer);
  }

  /** Offsets of consecutive regions of the given sizes, aligned; a new layout overwrites the one before. */
  reserve(...sizes: readonly number[]): number[] {
    let end = this.#heapBase;
    const offsets = sizes.map((size) => {
      const offset = end;
      end += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
      return offset;
    });
    const missing = Math.ceil((end - this.#memory.buffer.byteLength) / PAGE_BYTES);
    if (missing > 0) {
      this.#memory.grow(missing);
      this.#bytes = new Uint8Array(this.#memory.buffer);
    }
    return offsets;
  }

  /** Copies a blob in. @throws KzgError `invalid-length` | `non-canonical-element` */
  writeBlob(offset: number, blob: Uint8Array): void {
    assertBlob(blob);
    this.#bytes.set(blob, offset);
    const element = this.#firstNonCanonical(offset);
    if (element >= 0) throw nonCanonicalElement(element);
  }

  /** A copy of the blob at `offset`. */
  readBlob(offset: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(offset, offset + SHARD_BYTES) as Uint8Array<ArrayBuffer>;
  }

  /** Writes `coefficient` mod r, centred; answers how many limbs it needs. */
  writeCoefficient(offset: number, coefficient: bigint): number {
    const { bits, bytes, count, write } = this.#layout;
    const value = centred(coefficient);
    const sign = value < 0n ? -1 : 1;
    const view = new DataView(this.#memory.buffer);
    let rest = value < 0n ? -value : value;
    let used = 0;
    for (let i = 0; i < count; i++) {
      if (rest !== 0n) used = i + 1;
      write(view, offset + i * bytes, sign * Number(BigInt.asUintN(bits, rest)));
      rest >>= BigInt(bits);
    }
    return used;
  }
}

let chosen: KernelFamily | undefined;

/** The family this machine computes correctly with, the fast one if possible. Tried once per thread: milliseconds. */
export function kernelFamily(): KernelFamily {
  chosen ??= chooseFamily(knownAnswer);
  return chosen;
}

/** `fma` where it gives the answer of `integer`, which is exact everywhere, on full-size numbers of every kind. */
export function chooseFamily(answer: (family: KernelFamily) => Uint8Array): KernelFamily {
  return equalBytes(answer('fma'), answer('integer')) ? 'fma' : 'integer';
}

/** A sum that uses every limb of every kind of coefficient. */
export function knownAnswer(family: KernelFamily): Uint8Array {
  const kernel = new FieldKernel(family);
  const { functions } = kernel;
  const [accumulator, blob, limbs] = kernel.reserve(functions.accumulator_bytes(), SHARD_BYTES, kernel.limbBytes);
  if (accumulator === undefined || blob === undefined || limbs === undefined) throw new RangeError('layout');
  const top = FR_MODULUS - 1n;
  functions.clear(accumulator);
  for (const coefficient of [FR_MODULUS >> 1n, top / 3n, -(top >> 128n), 12_345n]) {
    kernel.writeBlob(blob, knownBlob(top / ((coefficient & 0xffn) | 1n)));
    functions.accumulate(accumulator, blob, limbs, kernel.writeCoefficient(limbs, coefficient));
  }
  functions.finish(accumulator, blob);
  return kernel.readBlob(blob);
}

/** Elements start, 31·start + 1, 31·(31·start + 1) + 1, … mod r, again after every 64. */
function knownBlob(start: bigint): Uint8Array {
  const period = 64;
  const elements: bigint[] = [];
  for (let value = start; elements.length < period; value = (value * 31n + 1n) % FR_MODULUS) elements.push(value);
  const bytes = Buffer.concat(elements.map((value) => bigIntToBytes(value, FIELD_ELEMENT_BYTES)));
  return Buffer.alloc(SHARD_BYTES, bytes);
}

import { readFileSync } from 'node:fs';
import { compileWasm, instantiateWasm, type WasmMemory, type WasmModule } from '../web-assembly.ts';

/** The exports of the package's WebAssembly, made by wasm-bindgen; pointers and lengths are bytes. */
interface Exports {
  readonly memory: WasmMemory;
  encode(stripe: number, length: number, k: number, m: number): number;
  /** Takes `present` over and frees it; `stripe` stays the caller's. */
  reconstruct(stripe: number, length: number, k: number, m: number, present: number, width: number): number;
  __wbindgen_malloc(length: number): number;
  __wbindgen_free(pointer: number, length: number): void;
}

/** The package's RESULT_OK; every other result is an error and changes nothing. */
const RESULT_OK = 0;
/** Three times the widest stripe. The allocator never gives memory back and may fragment: past this, begin anew. */
const MAX_MEMORY_BYTES = 24 * 1024 * 1024;

/**
 * `@subspace/reed-solomon-erasure.wasm`, synchronous, with memory managed here: the wrapper that the package ships
 * frees the flags of `reconstruct` a second time, and its instance then corrupts later stripes.
 *
 * A call copies in what the library reads and out what it computed, each byte once.
 */
export class Gf256Library {
  readonly #module: WasmModule;
  #exports: Exports | undefined;

  constructor() {
    const url = import.meta.resolve('@subspace/reed-solomon-erasure.wasm/dist/reed_solomon_erasure_bg.wasm');
    this.#module = compileWasm(readFileSync(new URL(url)));
  }

  /** Memory of the instance; 0 before the first stripe. */
  get memoryBytes(): number {
    return this.#exports?.memory.buffer.byteLength ?? 0;
  }

  /** Fills the parity part of `stripe` ((k+m) equal parts, data first). Returns a RESULT_* number, 0 is good. */
  encode(stripe: Uint8Array, k: number, m: number): number {
    const data = (stripe.length / (k + m)) * k;
    return this.#run((exports) => {
      const pointer = exports.__wbindgen_malloc(stripe.length);
      new Uint8Array(exports.memory.buffer).set(stripe.subarray(0, data), pointer);
      const result = exports.encode(pointer, stripe.length, k, m);
      if (result === RESULT_OK) {
        stripe.set(new Uint8Array(exports.memory.buffer, pointer + data, stripe.length - data), data);
      }
      exports.__wbindgen_free(pointer, stripe.length);
      return result;
    });
  }

  /** Fills the data parts of `stripe` that are not `present` (k+m flags); parity stays as it is. */
  reconstruct(stripe: Uint8Array, k: number, m: number, present: readonly boolean[]): number {
    const part = stripe.length / (k + m);
    return this.#run((exports) => {
      const pointer = exports.__wbindgen_malloc(stripe.length);
      const flags = exports.__wbindgen_malloc(present.length);
      const memory = new Uint8Array(exports.memory.buffer);
      memory.set(stripe, pointer);
      memory.set(present.map(Number), flags);
      const result = exports.reconstruct(pointer, stripe.length, k, m, flags, present.length);
      for (let i = 0; result === RESULT_OK && i < k; i++) {
        if (!present[i]) stripe.set(new Uint8Array(exports.memory.buffer, pointer + i * part, part), i * part);
      }
      exports.__wbindgen_free(pointer, stripe.length);
      return result;
    });
  }

  #run(call: (exports: Exports) => number): number {
    const exports = this.#exports ?? instantiateWasm<Exports>(this.#module);
    // A trap leaves the allocator in an unknown state: only an instance that returned is kept.
    this.#exports = undefined;
    const result = call(exports);
    if (exports.memory.buffer.byteLength <= MAX_MEMORY_BYTES) this.#exports = exports;
    return result;
  }
}

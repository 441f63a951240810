import { readFileSync } from 'node:fs';
import { COMMITMENT_BYTES, FIELD_ELEMENT_BYTES, PROOF_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { compileWasm, instantiateWasm, type WasmMemory } from '../../web-assembly.ts';
import { assertBlob, assertPoint, nonCanonicalElement } from '../checks.ts';
import { KzgError, type Opening } from '../engine.ts';

/** native/wasm/commitment.c; numbers are addresses. */
interface KernelExports extends Readonly<Record<string, unknown>> {
  readonly memory: WasmMemory;
  allocate(bytes: number): number;
  create(points: number): number;
  first_non_canonical(blob: number): number;
  commit(out: number, blob: number): void;
  commit_exact(out: number, blob: number): void;
  open(y: number, proof: number, blob: number, z: number): void;
}

/**
 * Commitments and openings in WebAssembly, synchronous, about 16 MB of memory. It uses relaxed SIMD, whose fused
 * multiply-add is not fused everywhere: `wrongAnswer` must have been asked before an instance is trusted.
 */
export class CommitmentKernel {
  readonly #exports: KernelExports;
  readonly #blob: number;
  readonly #point: number;
  readonly #field: number;

  /** @param points the trusted setup, see `trustedSetupPoints` @throws KzgError `backend-failed` */
  constructor(points: Uint8Array) {
    const file = readFileSync(new URL('./commitment-kernel.wasm', import.meta.url));
    const exports = instantiateWasm<KernelExports>(compileWasm(file));
    this.#exports = exports;
    this.#blob = exports.allocate(SHARD_BYTES);
    this.#point = exports.allocate(COMMITMENT_BYTES);
    this.#field = exports.allocate(2 * FIELD_ELEMENT_BYTES);
    const table = exports.allocate(points.length);
    const allocated = [this.#blob, this.#point, this.#field, table].every((address) => address !== 0);
    if (allocated) this.#write(table, points);
    if (!allocated || exports.create(table) === 0) {
      throw new KzgError({ code: 'backend-failed' }, 'the WebAssembly kernel could not make its tables');
    }
  }

  /** @throws KzgError `invalid-length` | `non-canonical-element` */
  commit(blob: Uint8Array): Uint8Array {
    this.#writeBlob(blob);
    this.#exports.commit(this.#point, this.#blob);
    return this.#read(this.#point, COMMITMENT_BYTES);
  }

  /** The same by the complete formulas that stand behind the fast ones: about a second. */
  commitExact(blob: Uint8Array): Uint8Array {
    this.#writeBlob(blob);
    this.#exports.commit_exact(this.#point, this.#blob);
    return this.#read(this.#point, COMMITMENT_BYTES);
  }

  /** @throws KzgError `invalid-length` | `non-canonical-element` */
  open(blob: Uint8Array, z: Uint8Array): Opening {
    assertPoint(z);
    this.#writeBlob(blob);
    const y = this.#field + FIELD_ELEMENT_BYTES;
    this.#write(this.#field, z);
    this.#exports.open(y, this.#point, this.#blob, this.#field);
    return { y: this.#read(y, FIELD_ELEMENT_BYTES), proof: this.#read(this.#point, PROOF_BYTES) };
  }

  #writeBlob(blob: Uint8Array): void {
    assertBlob(blob);
    this.#write(this.#blob, blob);
    const element = this.#exports.first_non_canonical(this.#blob);
    if (element >= 0) throw nonCanonicalElement(element);
  }

  #write(address: number, bytes: Uint8Array): void {
    new Uint8Array(this.#exports.memory.buffer).set(bytes, address);
  }

  #read(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#exports.memory.buffer).slice(address, address + length);
  }
}

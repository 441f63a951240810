import { SHARD_BYTES } from '../../protocol/constants.ts';
import { doubled } from './doubled-sum.ts';
import { type BlobAccumulator, KzgError } from './engine.ts';
import { FieldKernel, type KernelFamily } from './field-kernel.ts';
import { PlainSum } from './plain-sum.ts';

/** Kernels kept for the next accumulator; each holds about 0.6 MB. */
const IDLE_KERNELS = 4;

/** Gives out accumulators and takes their kernels back when they finish. */
export class AccumulatorFactory {
  readonly #idle: FieldKernel[] = [];
  readonly #family: KernelFamily | undefined;
  readonly #onFailed: (reason: string) => void;
  #failure: string | undefined;

  /** @param onFailed told once that the kernel does not load or errs, and that plain integers take its place */
  constructor(family?: KernelFamily, onFailed: (reason: string) => void = () => undefined) {
    this.#family = family;
    this.#onFailed = onFailed;
  }

  /** Why plain integers have taken its place. */
  get failure(): string | undefined {
    return this.#failure;
  }

  create(): BlobAccumulator {
    const kernel = this.#idle.pop() ?? this.#load();
    if (kernel === undefined) return new PlainSum();
    return new KernelAccumulator(kernel, () => {
      if (this.#failure === undefined && this.#idle.length < IDLE_KERNELS) this.#idle.push(kernel);
    });
  }

  /** The sum of the family that is exact everywhere, which the chosen one must agree with, or it is used no more. */
  checked(): BlobAccumulator {
    const sum = this.create();
    if (this.#failure !== undefined) return sum;
    const exact = new KernelAccumulator(new FieldKernel('integer'), () => {});
    return doubled(sum, exact, () => this.fail('its sum of blobs differs from that of exact arithmetic'));
  }

  /** The kernel is used no more. */
  fail(reason: string): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#idle.length = 0;
    this.#onFailed(reason);
  }

  #load(): FieldKernel | undefined {
    if (this.#failure !== undefined) return undefined;
    try {
      return new FieldKernel(this.#family);
    } catch (error) {
      this.fail(`the field kernel does not load: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  }
}

/** Σ cᵢ·blobᵢ in one kernel instance. Sums are renormalised inside the kernel, so any number of blobs may be added. */
class KernelAccumulator implements BlobAccumulator {
  readonly #kernel: FieldKernel;
  readonly #release: () => void;
  readonly #sum: number;
  readonly #blob: number;
  readonly #limbs: number;
  #finished = false;

  constructor(kernel: FieldKernel, release: () => void) {
    const { functions, limbBytes } = kernel;
    const [sum, blob, limbs] = kernel.reserve(functions.accumulator_bytes(), SHARD_BYTES, limbBytes) as [
      number,
      number,
      number,
    ];
    this.#kernel = kernel;
    this.#release = release;
    this.#sum = sum;
    this.#blob = blob;
    this.#limbs = limbs;
    functions.clear(sum);
  }

  add(coefficient: bigint, blob: Uint8Array): void {
    this.#assertOpen();
    this.#kernel.writeBlob(this.#blob, blob);
    const used = this.#kernel.writeCoefficient(this.#limbs, coefficient);
    if (used > 0) this.#kernel.functions.accumulate(this.#sum, this.#blob, this.#limbs, used);
  }

  finish(): Uint8Array {
    this.#assertOpen();
    this.#finished = true;
    this.#kernel.functions.finish(this.#sum, this.#blob);
    const out = this.#kernel.readBlob(this.#blob);
    this.#release();
    return out;
  }

  #assertOpen(): void {
    if (this.#finished) {
      throw new KzgError({ code: 'invalid-argument' }, 'this accumulator has finished: create another one');
    }
  }
}

import { assertBlob } from '../checks.ts';
import { type BlobAccumulator, KzgError } from '../engine.ts';
import { centred } from '../short-coefficient.ts';
import type { AccumulatorHandle, NativeBinding } from './binding.ts';
import { kzgErrorOf } from './native-error.ts';

/** Accumulators kept for the next one; each holds about 0.3 MB. */
const IDLE_ACCUMULATORS = 4;

/** Gives out accumulators in the addon's memory and takes the memory back when they finish. */
export class NativeAccumulators {
  readonly #binding: NativeBinding;
  readonly #idle: AccumulatorHandle[] = [];

  constructor(binding: NativeBinding) {
    this.#binding = binding;
  }

  create(): BlobAccumulator {
    const binding = this.#binding;
    const idle = this.#idle;
    let handle: AccumulatorHandle | undefined = idle.pop() ?? binding.createAccumulator();
    const open = () => {
      if (handle !== undefined) return handle;
      throw new KzgError({ code: 'invalid-argument' }, 'this accumulator has finished: create another one');
    };
    return {
      add(coefficient, blob) {
        const target = open();
        assertBlob(blob);
        try {
          binding.accumulate(target, centred(coefficient), blob);
        } catch (error) {
          throw kzgErrorOf(error);
        }
      },
      finish() {
        const finished = open();
        handle = undefined;
        const sum = binding.finish(finished); // leaves zero behind
        if (idle.length < IDLE_ACCUMULATORS) idle.push(finished);
        return sum;
      },
    };
  }
}

import { type Packer, packPayload, unpackPayload } from '../../../protocol/blob.ts';
import { PAYLOAD_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import type { NativeBinding } from './binding.ts';

/** The addon's `packPayload` and `unpackPayload`: 4 and 11 µs a shard of CPU time, against 31 and 42. */
export class NativePacker implements Packer {
  readonly #binding: NativeBinding;

  constructor(binding: NativeBinding) {
    this.#binding = binding;
  }

  pack(payload: Uint8Array, out: Uint8Array = new Uint8Array(SHARD_BYTES)): Uint8Array {
    if (payload.length > PAYLOAD_BYTES || out.length !== SHARD_BYTES) return packPayload(payload, out);
    this.#binding.pack(payload, out);
    return out;
  }

  unpack(shard: Uint8Array, length: number, out?: Uint8Array): Uint8Array {
    try {
      const payload = out === undefined ? new Uint8Array(length) : out.subarray(0, length);
      if (payload.length !== length) return unpackPayload(shard, length, out);
      this.#binding.unpack(shard, payload);
      return payload;
    } catch {
      return unpackPayload(shard, length, out); // says what is wrong
    }
  }
}

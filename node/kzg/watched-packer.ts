import { type Packer, portablePacker } from '../../protocol/blob.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { ELEMENTS_PER_SHARD, FIELD_ELEMENT_BYTES, PAYLOAD_BYTES_PER_ELEMENT } from '../../protocol/constants.ts';

/** One call in so many is done again by the definition: 40 µs, 0.6 µs a call beside 4 to 11. */
const WHOLE_EVERY = 64;
/** Odd, so that in 4,096 calls each element has been looked at. */
const STRIDE = 1_447;

/**
 * A packer whose every result is compared at one element, and now and then as a whole. When it errs the definition takes
 * its place, in that call already: wrongly packed data would be kept and proved, and not be what its owner stored.
 */
export class WatchedPacker implements Packer {
  #packer: Packer;
  readonly #onWrong: (reason: string) => void;
  /** Counted apart: a node that packs and unpacks in turn must not have one of them checked only. */
  #packed = 0;
  #unpacked = 0;

  /** @param onWrong told once */
  constructor(packer: Packer, onWrong: (reason: string) => void) {
    this.#packer = packer;
    this.#onWrong = onWrong;
  }

  pack(payload: Uint8Array, out?: Uint8Array): Uint8Array {
    return this.#watched(
      this.#packed++,
      (packer, target) => packer.pack(payload, target),
      out,
      (shard, element) => agree(shard, payload, element),
    );
  }

  unpack(shard: Uint8Array, length: number, out?: Uint8Array): Uint8Array {
    return this.#watched(
      this.#unpacked++,
      (packer, target) => packer.unpack(shard, length, target),
      out,
      (payload, element) => agree(shard, payload, element),
    );
  }

  #watched(
    turn: number,
    call: (packer: Packer, out?: Uint8Array) => Uint8Array,
    out: Uint8Array | undefined,
    agreesAt: (result: Uint8Array, element: number) => boolean,
  ): Uint8Array {
    if (this.#packer === portablePacker) return call(portablePacker, out);
    let refused = true;
    try {
      const result = call(this.#packer, out);
      refused = false;
      const sound =
        agreesAt(result, (turn * STRIDE) % ELEMENTS_PER_SHARD) &&
        (turn % WHOLE_EVERY !== 0 || equalBytes(result, call(portablePacker)));
      if (sound) return result;
    } catch {
      // The definition says below what is wrong.
    }
    if (!refused) this.#drop('a result differs from the definition of packing');
    const right = call(portablePacker, out); // throws what both refuse
    this.#drop('it refuses what the definition of packing takes');
    return right;
  }

  #drop(reason: string): void {
    if (this.#packer === portablePacker) return;
    this.#packer = portablePacker;
    this.#onWrong(reason);
  }
}

/** Whether element `index` is `0x00 ‖ payload[31·index … 31·index + 31)`, zeros behind the payload (protocol v1 §1). */
function agree(shard: Uint8Array, payload: Uint8Array, index: number): boolean {
  const at = index * FIELD_ELEMENT_BYTES;
  if (shard[at] !== 0) return false;
  const from = index * PAYLOAD_BYTES_PER_ELEMENT;
  for (let i = 0; i < PAYLOAD_BYTES_PER_ELEMENT; i++) {
    if (shard[at + 1 + i] !== (payload[from + i] ?? 0)) return false;
  }
  return true;
}

import {
  ELEMENTS_PER_SHARD,
  FIELD_ELEMENT_BYTES,
  PAYLOAD_BYTES,
  PAYLOAD_BYTES_PER_ELEMENT,
  SHARD_BYTES,
} from './constants.ts';
import { ContentError } from './content-error.ts';

/** `packPayload` and `unpackPayload`, or a faster implementation of them with the same refusals. */
export interface Packer {
  pack(payload: Uint8Array, out?: Uint8Array): Uint8Array;
  unpack(shard: Uint8Array, length: number, out?: Uint8Array): Uint8Array;
}

/**
 * Payload (≤ 126,976 bytes) → shard (131,072 bytes): element j is `0x00 ‖ payload[31j … 31j+31)`, the rest is zero
 * (protocol v1 §1). Writes every byte of `out` when it is given; copies once.
 */
export function packPayload(payload: Uint8Array, out: Uint8Array = new Uint8Array(SHARD_BYTES)): Uint8Array {
  if (payload.length > PAYLOAD_BYTES) throw lengthError('a payload', 'at most', PAYLOAD_BYTES, payload.length);
  if (out.length !== SHARD_BYTES) throw lengthError('the output', 'exactly', SHARD_BYTES, out.length);
  const whole = Math.floor(payload.length / PAYLOAD_BYTES_PER_ELEMENT);
  const source = viewOf(payload);
  const target = viewOf(out);
  for (let element = 0; element < whole; element++) {
    const to = element * FIELD_ELEMENT_BYTES;
    out[to] = 0;
    copyElement(source, element * PAYLOAD_BYTES_PER_ELEMENT, target, to + 1);
  }
  const to = whole * FIELD_ELEMENT_BYTES;
  const rest = payload.subarray(whole * PAYLOAD_BYTES_PER_ELEMENT);
  if (rest.length > 0) out.set(rest, to + 1);
  if (to < SHARD_BYTES) out[to] = 0;
  // The last element may be short: zero what follows the payload, not only what follows the element.
  const end = rest.length === 0 ? to : to + 1 + rest.length;
  out.fill(0, end);
  return out;
}

/**
 * Shard → its first `length` payload bytes, in `out` when it is given. Copies once.
 *
 * @throws ContentError 'element-too-large' for an element ≥ 2^248, 'non-zero-padding' for data behind `length`
 */
export function unpackPayload(shard: Uint8Array, length: number, out?: Uint8Array): Uint8Array {
  if (shard.length !== SHARD_BYTES) throw lengthError('a shard', 'exactly', SHARD_BYTES, shard.length);
  if (!Number.isSafeInteger(length) || length < 0 || length > PAYLOAD_BYTES) {
    throw lengthError('a payload', 'at most', PAYLOAD_BYTES, length);
  }
  const payload = out ?? new Uint8Array(length);
  if (payload.length < length) throw lengthError('the output', 'at least', length, payload.length);
  const source = viewOf(shard);
  const target = viewOf(payload);
  const whole = Math.floor(length / PAYLOAD_BYTES_PER_ELEMENT);
  for (let element = 0; element < ELEMENTS_PER_SHARD; element++) {
    const from = element * FIELD_ELEMENT_BYTES;
    if (shard[from] !== 0) {
      const message = `element ${element} of a data shard is 2^248 or more: the shard is not packed data`;
      throw new ContentError({ code: 'element-too-large', element }, message);
    }
    const to = element * PAYLOAD_BYTES_PER_ELEMENT;
    if (element < whole) {
      copyElement(source, from + 1, target, to);
      continue;
    }
    const used = Math.max(length - to, 0);
    if (used > 0) payload.set(shard.subarray(from + 1, from + 1 + used), to);
    checkPadding(shard, from + 1 + used, from + FIELD_ELEMENT_BYTES, element);
  }
  return payload.length === length ? payload : payload.subarray(0, length);
}

export const portablePacker: Packer = { pack: packPayload, unpack: unpackPayload };

/** Whether all 4,096 elements are equal (zero included): such a shard proves nothing about storage. */
export function isConstantShard(shard: Uint8Array): boolean {
  if (shard.length !== SHARD_BYTES) throw lengthError('a shard', 'exactly', SHARD_BYTES, shard.length);
  for (let i = FIELD_ELEMENT_BYTES; i < SHARD_BYTES; i++) {
    if (shard[i] !== shard[i - FIELD_ELEMENT_BYTES]) return false;
  }
  return true;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** 31 bytes as eight words, of which the last two overlap: 35 µs a shard, against 160 with `set` and `subarray`. */
function copyElement(source: DataView, from: number, target: DataView, to: number): void {
  target.setUint32(to, source.getUint32(from, true), true);
  target.setUint32(to + 4, source.getUint32(from + 4, true), true);
  target.setUint32(to + 8, source.getUint32(from + 8, true), true);
  target.setUint32(to + 12, source.getUint32(from + 12, true), true);
  target.setUint32(to + 16, source.getUint32(from + 16, true), true);
  target.setUint32(to + 20, source.getUint32(from + 20, true), true);
  target.setUint32(to + 24, source.getUint32(from + 24, true), true);
  target.setUint32(to + 27, source.getUint32(from + 27, true), true);
}

function checkPadding(shard: Uint8Array, from: number, to: number, element: number): void {
  for (let i = from; i < to; i++) {
    if (shard[i] === 0) continue;
    const message = `element ${element} of a data shard has bytes behind the end of its payload`;
    throw new ContentError({ code: 'non-zero-padding', element }, message);
  }
}

function lengthError(what: string, how: string, expected: number, length: number): ContentError {
  const type = { code: 'invalid-length', expected, length } as const;
  return new ContentError(type, `${what} has ${how} ${expected} bytes, this one ${length}`);
}

import { crc32 } from 'node:zlib';

const CRC_BYTES = 4;

/**
 * `payload ‖ u32 CRC-32(key ‖ payload)`: LevelDB returns a flipped bit without complaint, so every value that is not
 * addressed by its own hash carries a checksum. The key is covered, so that a value under another key is noticed too.
 */
export function sealValue(key: Uint8Array, payload: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(payload.length + CRC_BYTES);
  sealed.set(payload);
  new DataView(sealed.buffer).setUint32(payload.length, crc32(payload, crc32(key)));
  return sealed;
}

/** The payload, a view into `sealed`; undefined when the checksum does not match. */
export function openValue(key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  const length = sealed.length - CRC_BYTES;
  if (length < 0) return undefined;
  const payload = sealed.subarray(0, length);
  const expected = new DataView(sealed.buffer, sealed.byteOffset + length, CRC_BYTES).getUint32(0);
  return crc32(payload, crc32(key)) === expected ? payload : undefined;
}

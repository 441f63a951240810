import { bigIntToBytes } from '../../protocol/bytes.ts';
import { ELEMENTS_PER_SHARD, FIELD_ELEMENT_BYTES, SHARD_BYTES } from '../../protocol/constants.ts';
import { FR_MODULUS } from '../../protocol/field.ts';

const element = (value: bigint) => bigIntToBytes(value, FIELD_ELEMENT_BYTES);

/** A blob with the given value at each position. */
export function blobOf(valueAt: (index: number) => bigint): Uint8Array {
  const blob = new Uint8Array(SHARD_BYTES);
  for (let i = 0; i < ELEMENTS_PER_SHARD; i++) blob.set(element(valueAt(i)), i * FIELD_ELEMENT_BYTES);
  return blob;
}

export const filled = (value: bigint) => new Uint8Array(Buffer.alloc(SHARD_BYTES, element(value)));

/** Every `period`-th bit below 2^248. */
function periodic(period: number): bigint {
  let value = 0n;
  for (let bit = 0; bit < 248; bit += period) value |= 1n << BigInt(bit);
  return value;
}

/** Bytes as data elements: 31 of them behind a zero. */
const text = (sample: string) =>
  new Uint8Array(Buffer.alloc(SHARD_BYTES, sample.repeat(32))).map((byte, i) => (i % FIELD_ELEMENT_BYTES ? byte : 0));

/** Elements over the whole field from a source of random bytes. */
export function randomBlob(random: (count: number) => Uint8Array): Uint8Array {
  const blob = new Uint8Array(random(SHARD_BYTES));
  for (let i = 0; i < SHARD_BYTES; i += FIELD_ELEMENT_BYTES) blob[i] = (blob[i] as number) % 0x73;
  return blob;
}

/** Blobs that crowd buckets, leave them empty, or meet doublings and sums of zero. */
export const EDGE_BLOBS: Readonly<Record<string, Uint8Array>> = {
  zero: new Uint8Array(SHARD_BYTES),
  'one everywhere': filled(1n),
  'two everywhere': filled(2n),
  'r − 1 everywhere': filled(FR_MODULUS - 1n),
  'half of r everywhere': filled(FR_MODULUS >> 1n),
  '2^255 boundary': filled((1n << 254n) - 1n),
  'first element 2': blobOf((i) => (i === 0 ? 2n : 0n)),
  'last element 1': blobOf((i) => (i === ELEMENTS_PER_SHARD - 1 ? 1n : 0n)),
  'r − 1 at one place': blobOf((i) => (i === 77 ? FR_MODULUS - 1n : 0n)),
  'a bucket boundary': blobOf((i) => (i === 5 ? 8192n : i === 6 ? 8193n : 0n)),
  'opposite neighbours': blobOf((i) => (i & 1 ? FR_MODULUS - 1n : 1n)),
  counting: blobOf((i) => BigInt(i)),
  sparse: blobOf((i) => (i % 513 === 0 ? (FR_MODULUS * BigInt(i + 1)) / 4097n : 0n)),
  'repetitive text': text('a'),
  'longer text': text('a quick brown fox, '),
  'all bits': text('\u007f'),
  ...Object.fromEntries([3, 7, 13, 14, 15, 28, 62].map((period) => [`period ${period}`, filled(periodic(period))])),
};

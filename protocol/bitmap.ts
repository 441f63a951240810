/**
 * Sets of small integers as bytes: bit i is bit (i & 7) of byte i >> 3, least significant first.
 * Canonical: no trailing zero bytes, so that the empty set is no bytes at all.
 */

/** @throws RangeError on a negative or fractional index. */
export function bitmapOf(indices: Iterable<number>): Uint8Array {
  const all = [...indices];
  let highest = -1;
  for (const index of all) {
    if (!Number.isSafeInteger(index) || index < 0) throw new RangeError(`${index} is not an index of a bitmap`);
    if (index > highest) highest = index;
  }
  const bitmap = new Uint8Array((highest >> 3) + 1);
  for (const index of all) bitmap[index >> 3] = (bitmap[index >> 3] as number) | (1 << (index & 7));
  return bitmap;
}

/** The indices in ascending order. */
export function bitmapIndices(bitmap: Uint8Array): number[] {
  const indices: number[] = [];
  for (let byte = 0; byte < bitmap.length; byte++) {
    for (let bit = 0; bit < 8; bit++) if (((bitmap[byte] as number) >> bit) & 1) indices.push(8 * byte + bit);
  }
  return indices;
}

export function bitmapCount(bitmap: Uint8Array): number {
  let count = 0;
  for (let byte of bitmap) for (; byte !== 0; byte &= byte - 1) count++;
  return count;
}

/** Whether every index of `part` is in `whole`. */
export function isSubsetOf(part: Uint8Array, whole: Uint8Array): boolean {
  return part.every((byte, i) => (byte & ~(whole[i] ?? 0)) === 0);
}

/** Canonical, with every index below `bits`. */
export function isCanonicalBitmap(bitmap: Uint8Array, bits: number): boolean {
  const last = bitmap.at(-1);
  return last === undefined || (last !== 0 && 8 * (bitmap.length - 1) + (31 - Math.clz32(last)) < bits);
}

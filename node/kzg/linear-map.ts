import { SHARD_BYTES } from '../../protocol/constants.ts';
import { assertBlob } from './checks.ts';
import { KzgError } from './engine.ts';
import { FieldKernel, type KernelFamily, MAX_MAP_SIDE } from './field-kernel.ts';

/** @throws KzgError `invalid-argument` unless there are at most 64 rows, each with one coefficient per blob | `invalid-length` */
export function assertMap(rows: readonly (readonly bigint[])[], blobs: readonly Uint8Array[]): void {
  if (blobs.length > MAX_MAP_SIDE || rows.length > MAX_MAP_SIDE) {
    throw new KzgError(
      { code: 'invalid-argument' },
      `a linear map takes at most ${MAX_MAP_SIDE} blobs and rows, not ${blobs.length} and ${rows.length}`,
    );
  }
  for (const row of rows) {
    if (row.length !== blobs.length) {
      throw new KzgError(
        { code: 'invalid-argument' },
        `a row has ${row.length} coefficients for ${blobs.length} blobs; it needs one for each`,
      );
    }
  }
  for (const blob of blobs) assertBlob(blob);
}

export interface BlobMapper {
  /** outⱼ = Σ rows[j][i]·blobᵢ. @throws KzgError `invalid-argument` | `invalid-length` | `non-canonical-element` */
  map(rows: readonly (readonly bigint[])[], blobs: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[];
  /** @throws KzgError `invalid-length` | `non-canonical-element` */
  assertCanonical(blob: Uint8Array): void;
}

/** outⱼ = Σ rows[j][i]·blobᵢ on one kernel whose memory grows to the largest map seen (at most 17 MB). */
export class LinearMapper implements BlobMapper {
  readonly #kernel: FieldKernel;

  constructor(family?: KernelFamily) {
    this.#kernel = new FieldKernel(family);
  }

  map(rows: readonly (readonly bigint[])[], blobs: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[] {
    assertMap(rows, blobs);
    const kernel = this.#kernel;
    const { limbBytes } = kernel;
    const [matrix, input, output] = kernel.reserve(
      rows.length * blobs.length * limbBytes,
      blobs.length * SHARD_BYTES,
      rows.length * SHARD_BYTES,
    ) as [number, number, number];
    blobs.forEach((blob, i) => {
      kernel.writeBlob(input + i * SHARD_BYTES, blob);
    });
    let used = 0;
    rows.flat().forEach((coefficient, i) => {
      used = Math.max(used, kernel.writeCoefficient(matrix + i * limbBytes, coefficient));
    });
    kernel.functions.map(output, input, matrix, rows.length, blobs.length, used);
    return rows.map((_, j) => kernel.readBlob(output + j * SHARD_BYTES));
  }

  assertCanonical(blob: Uint8Array): void {
    const [offset] = this.#kernel.reserve(SHARD_BYTES) as [number];
    this.#kernel.writeBlob(offset, blob);
  }
}

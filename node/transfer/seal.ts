import type { Packer } from '../../protocol/blob.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { type Aead, frameNonce } from '../../protocol/frame.ts';

/**
 * Encrypts and packs the frames of a stripe into consecutive shards of `buffer` (≥ k · 131,072 bytes).
 *
 * @param first position of the first frame in the object
 * @param last whether the last of these frames is the object's last
 */
export function sealStripe(
  { aead, packer }: { readonly aead: Aead; readonly packer: Packer },
  contentKey: Uint8Array,
  first: number,
  frames: readonly Uint8Array[],
  last: boolean,
  buffer: Uint8Array,
): Uint8Array[] {
  return frames.map((frame, i) => {
    const nonce = frameNonce(first + i, last && i === frames.length - 1);
    const shard = buffer.subarray(i * SHARD_BYTES, (i + 1) * SHARD_BYTES);
    return packer.pack(aead.seal(contentKey, nonce, frame), shard);
  });
}

import { LoadedSegment } from '../../../node/manifest/loaded-segment.ts';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import { replicaCode } from '../../../protocol/codes/replica.ts';
import { FRAME_BYTES } from '../../../protocol/constants.ts';
import { networkId } from '../../../protocol/hash.ts';
import { encodeRoot, signRoot } from '../../../protocol/manifest.ts';
import { encodeSegment, type Segment } from '../../../protocol/segment.ts';
import { type StoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { sha256, stream } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';

export const network = networkId('audit-unit');
export const owner = signerOf('owner');
export const holder = signerOf('holder');

const CODE = { id: 0, k: 1, m: 0 } as const;

/** A segment of `stripes` single shards, of which only ids and commitments exist, and a receipt for all of them. */
export function sampleSegment(
  label: string,
  stripes: number,
  by = holder,
): { segment: LoadedSegment; receipt: StoreReceipt } {
  const segment: Segment = {
    i: 0,
    stripes: Array.from({ length: stripes }, (_, s) => ({
      c: stream(`${label} commitment ${s}`, 48),
      h: sha256(stream(`${label} shard ${s}`, 8)),
    })),
  };
  const cid = nodeCid(encodeSegment(segment, CODE));
  const root = signRoot(
    {
      network,
      kind: 'file',
      payload: 'packed31',
      cipher: 'aes-256-gcm',
      size: stripes * FRAME_BYTES,
      code: CODE,
      segments: [cid],
      created: 1,
      owner: owner.publicKey,
    },
    owner,
  );
  const rootCid = nodeCid(encodeRoot(root));
  const receipt = signStoreReceipt(
    {
      network,
      holder: by.publicKey,
      owner: owner.publicKey,
      root: rootCid,
      segment: cid,
      indices: bitmapOf(Array.from({ length: stripes }, (_, s) => s)),
      issuedAt: 1,
      expiresAt: 0,
    },
    by,
  );
  return { segment: new LoadedSegment({ rootCid, root, cid, segment, code: replicaCode() }), receipt };
}

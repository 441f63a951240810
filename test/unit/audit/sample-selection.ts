import { LoadedSegment } from '../../../node/manifest/loaded-segment.ts';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { concat } from '../../../protocol/bytes.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import type { CodeParameters, ErasureCode } from '../../../protocol/code.ts';
import { replicaCode } from '../../../protocol/codes/replica.ts';
import { FRAME_BYTES } from '../../../protocol/constants.ts';
import { networkId } from '../../../protocol/hash.ts';
import { encodeRoot, signRoot } from '../../../protocol/manifest.ts';
import { encodeSegment, type Segment } from '../../../protocol/segment.ts';
import type { Signer } from '../../../protocol/signature.ts';
import { type StoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { sha256, stream } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';

export const network = networkId('audit-unit');
export const owner = signerOf('owner');
export const holder = signerOf('holder');

export interface SampleSegment {
  readonly segment: LoadedSegment;
  readonly receipt: StoreReceipt;
}

/** A segment of `stripes` single shards, of which only ids and commitments exist, and a receipt for all of them. */
export function sampleSegment(label: string, stripes: number, by = holder): SampleSegment {
  return sample(label, stripes, by, replicaCode(), { id: 0, k: 1, m: 0 });
}

/** The same with pairs of shards and a parity shard beside each, and a receipt for the parity alone. */
export function paritySegment(label: string, stripes: number, code: ErasureCode): SampleSegment {
  return sample(label, stripes, holder, code, { id: 1, k: 2, m: 1 });
}

function sample(
  label: string,
  stripes: number,
  by: Signer,
  code: ErasureCode,
  parameters: CodeParameters,
): SampleSegment {
  const each = parameters.k + parameters.m;
  const segment: Segment = {
    i: 0,
    stripes: Array.from({ length: stripes }, (_, s) => ({
      c: stream(`${label} commitment ${s}`, 48 * parameters.k),
      h: concat(...Array.from({ length: each }, (_, j) => sha256(stream(`${label} shard ${s * each + j}`, 8)))),
    })),
  };
  const cid = nodeCid(encodeSegment(segment, parameters));
  const root = signRoot(
    {
      network,
      kind: 'file',
      payload: 'packed31',
      cipher: 'aes-256-gcm',
      size: stripes * parameters.k * FRAME_BYTES,
      code: parameters,
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
      indices: bitmapOf(Array.from({ length: stripes }, (_, s) => (s + 1) * each - 1)),
      issuedAt: 1,
      expiresAt: 0,
    },
    by,
  );
  return { segment: new LoadedSegment({ rootCid, root, cid, segment, code }), receipt };
}

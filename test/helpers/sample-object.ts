import { createHash } from 'node:crypto';
import type { CID } from 'multiformats/cid';
import { packPayload } from '../../protocol/blob.ts';
import { concat } from '../../protocol/bytes.ts';
import { nodeCid } from '../../protocol/cid.ts';
import type { CodeParameters, ErasureCode } from '../../protocol/code.ts';
import { FRAME_BYTES } from '../../protocol/constants.ts';
import { dataShardCount, shardIndex, stripesPerSegment } from '../../protocol/geometry.ts';
import { encodeRoot, type Root, signRoot } from '../../protocol/manifest.ts';
import { encodeSegment, type Segment, type SegmentStripe } from '../../protocol/segment.ts';
import type { Signer } from '../../protocol/signature.ts';

export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

/** Deterministic bytes: SHA-256 in counter mode over a label. */
export function stream(label: string, length: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let i = 0; i * 32 < length; i++) blocks.push(sha256(Buffer.from(`${label} ${i}`)));
  return concat(...blocks).subarray(0, length);
}

export interface SampleObject {
  readonly rootCid: CID;
  readonly root: Root;
  readonly rootBytes: Uint8Array;
  readonly segments: readonly { readonly cid: CID; readonly bytes: Uint8Array; readonly segment: Segment }[];
  /** Shards by segment position and index. */
  readonly shards: readonly ReadonlyMap<number, Uint8Array>[];
}

export interface SampleOptions {
  readonly commit: (blob: Uint8Array) => Promise<Uint8Array>;
  readonly code: ErasureCode;
  readonly parameters: CodeParameters;
  readonly network: Uint8Array;
  readonly owner: Signer;
  readonly size: number;
  readonly label?: string;
  readonly cipher?: Root['cipher'];
  readonly created?: number;
}

/** An object cut, coded and committed as an uploader does it, without encryption of its deterministic bytes. */
export async function sampleObject(options: SampleOptions): Promise<SampleObject> {
  const {
    commit,
    code,
    parameters,
    network,
    owner,
    size,
    label = 'sample',
    cipher = 'aes-256-gcm',
    created = 1_700_000_000_000,
  } = options;
  const { id, k, m } = parameters;
  const plain = stream(label, size);
  const layout = { payload: 'packed31', size, code: parameters } as const;
  const data = Array.from({ length: dataShardCount(layout) }, (_, i) =>
    packPayload(plain.subarray(i * FRAME_BYTES, (i + 1) * FRAME_BYTES)),
  );
  const stripes: { stripe: SegmentStripe; shards: Map<number, Uint8Array> }[] = [];
  for (let first = 0; first < data.length; first += k) {
    const own = data.slice(first, first + k);
    const parity = await code.encode(own, k, m);
    const listed = id === 0 ? own : [...own, ...parity];
    const committed = id === 2 ? [...own, ...parity] : own;
    const shards = new Map(own.map((shard, j) => [j, shard] as const));
    for (const [j, shard] of parity.entries()) shards.set(k + j, shard);
    const stripe = {
      c: concat(...(await Promise.all(committed.map(commit)))),
      h: concat(...listed.map(sha256)),
    };
    stripes.push({ stripe, shards });
  }
  const perSegment = stripesPerSegment(parameters);
  const segments: SampleObject['segments'][number][] = [];
  const shards: Map<number, Uint8Array>[] = [];
  for (let first = 0; first < stripes.length; first += perSegment) {
    const own = stripes.slice(first, first + perSegment);
    const segment: Segment = { i: segments.length, stripes: own.map(({ stripe }) => stripe) };
    const bytes = encodeSegment(segment, parameters);
    segments.push({ cid: nodeCid(bytes), bytes, segment });
    shards.push(
      new Map(
        own.flatMap((entry, s) =>
          [...entry.shards].map(([j, shard]) => [shardIndex(parameters, s, j), shard] as const),
        ),
      ),
    );
  }
  const root = signRoot(
    {
      network,
      kind: 'file',
      cipher,
      ...layout,
      segments: segments.map(({ cid }) => cid),
      created,
      owner: owner.publicKey,
    },
    owner,
  );
  const rootBytes = encodeRoot(root);
  return { rootCid: nodeCid(rootBytes), root, rootBytes, segments, shards };
}

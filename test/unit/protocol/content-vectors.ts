import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { aesGcm } from '../../../node/transfer/aead.ts';
import { packPayload } from '../../../protocol/blob.ts';
import { fromHex } from '../../../protocol/bytes.ts';
import { contentKey, frameCount, frameRange, sealFrame } from '../../../protocol/frame.ts';

interface ContentVectors {
  readonly fileKey: string;
  readonly contentKey: string;
  readonly plaintext: { readonly label: string; readonly length: number; readonly sha256: string };
  readonly payloadSha256: readonly string[];
  readonly payloadLength: readonly number[];
  readonly shardSha256: readonly string[];
}

interface CodeVectors {
  readonly id: number;
  readonly k: number;
  readonly m: number;
  readonly lambda: Readonly<Record<string, readonly (readonly string[])[]>>;
  readonly parityShardSha256: readonly string[];
  readonly commitments: readonly string[];
}

const url = new URL('../../vectors/protocol-v1.json', import.meta.url);

export const vectors: { readonly content: ContentVectors; readonly code: CodeVectors } = JSON.parse(
  readFileSync(url, 'utf8'),
);

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** `SHA-256(label ‖ u32 0) ‖ SHA-256(label ‖ u32 1) ‖ …`, the first `length` bytes. */
export function stream(label: string, length: number): Uint8Array {
  const out = new Uint8Array(Math.ceil(length / 32) * 32);
  const counter = Buffer.alloc(4);
  for (let i = 0; i * 32 < length; i++) {
    counter.writeUInt32BE(i);
    out.set(createHash('sha256').update(label).update(counter).digest(), i * 32);
  }
  return out.subarray(0, length);
}

/** The sealed payloads of the vectors' plaintext, and the data shards that carry them. */
export function vectorContent(): { plaintext: Uint8Array; payloads: Uint8Array[]; shards: Uint8Array[] } {
  const { fileKey, plaintext: source } = vectors.content;
  const plaintext = stream(source.label, source.length);
  const key = contentKey(fromHex(fileKey));
  const count = frameCount(plaintext.length);
  const payloads = Array.from({ length: count }, (_, i) => {
    const { offset, length } = frameRange(i, plaintext.length);
    return sealFrame(aesGcm, key, i, count, plaintext.subarray(offset, offset + length));
  });
  return { plaintext, payloads, shards: payloads.map((payload) => packPayload(payload)) };
}

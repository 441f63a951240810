import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import type { Backend } from '../../node/kzg/library.ts';
import { aesGcm } from '../../node/transfer/aead.ts';
import { packPayload } from '../../protocol/blob.ts';
import { bigIntToBytes, bytesToBigInt } from '../../protocol/bytes.ts';
import { nodeCid } from '../../protocol/cid.ts';
import type { CodeParameters } from '../../protocol/code.ts';
import { lagrangeRow } from '../../protocol/codes/fr-lagrange.ts';
import { FIELD_ELEMENT_BYTES, FRAME_BYTES, SHARD_BYTES } from '../../protocol/constants.ts';
import { FR_MODULUS } from '../../protocol/field.ts';
import { contentKey, frameCount, frameRange, sealFrame } from '../../protocol/frame.ts';
import { shardIndex } from '../../protocol/geometry.ts';
import { networkId } from '../../protocol/hash.ts';
import { encodeRoot, type Root, signRoot } from '../../protocol/manifest.ts';
import { encodeSegment, type Segment } from '../../protocol/segment.ts';
import type { Signer } from '../../protocol/signature.ts';

/** Fixed identities, key, content and times, so that whoever runs the generator gets the same bytes. */

export const NETWORK_NAME = 'holdfast';
export const NETWORK = networkId(NETWORK_NAME);
/** 2026-01-01T00:00:00Z */
export const CREATED = 1_767_225_600_000;
export const CODE: CodeParameters = { id: 1, k: 4, m: 2 };
export const PLAINTEXT_LABEL = 'holdfast structures: plaintext';
/** Six frames: a full stripe of four data shards and a short one of two. */
export const PLAINTEXT_BYTES = 5 * FRAME_BYTES + 1000;

export function digest(text: string): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(text).digest());
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

export interface Identity extends Signer {
  readonly seed: Uint8Array;
}

export function identity(role: string): Identity {
  const seed = digest(`holdfast structures: ${role}`);
  return { seed, publicKey: ed25519.getPublicKey(seed), sign: (bytes) => ed25519.sign(bytes, seed) };
}

export const OWNER = identity('owner');
export const HOLDER = identity('holder');
export const AUDITOR = identity('auditor');
export const FILE_KEY = digest('holdfast structures: file key');

/** Σ coefficients[i] · shards[i], element by element. */
export function combine(coefficients: readonly bigint[], shards: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(SHARD_BYTES);
  for (let at = 0; at < SHARD_BYTES; at += FIELD_ELEMENT_BYTES) {
    let sum = 0n;
    for (const [i, shard] of shards.entries()) {
      sum += (coefficients[i] as bigint) * bytesToBigInt(shard.subarray(at, at + FIELD_ELEMENT_BYTES));
    }
    out.set(bigIntToBytes(((sum % FR_MODULUS) + FR_MODULUS) % FR_MODULUS, FIELD_ELEMENT_BYTES), at);
  }
  return out;
}

export interface StoredShard {
  readonly index: number;
  readonly shard: Uint8Array;
  readonly id: Uint8Array;
  readonly commitment: Uint8Array;
}

export interface StoredObject {
  readonly root: Root;
  readonly rootBytes: Uint8Array;
  readonly segment: Segment;
  readonly segmentBytes: Uint8Array;
  readonly shards: readonly StoredShard[];
}

/** The object of the vectors: encrypted, packed, encoded and committed to. */
export function storedObject({ commit }: Pick<Backend, 'commit'>): StoredObject {
  const { k, m } = CODE;
  const plaintext = stream(PLAINTEXT_LABEL, PLAINTEXT_BYTES);
  const key = contentKey(FILE_KEY);
  const count = frameCount(PLAINTEXT_BYTES);
  const data = Array.from({ length: count }, (_, i) => {
    const { offset, length } = frameRange(i, PLAINTEXT_BYTES);
    return packPayload(sealFrame(aesGcm, key, i, count, plaintext.subarray(offset, offset + length)));
  });
  const shards: StoredShard[] = [];
  const stripes: { c: Uint8Array; h: Uint8Array }[] = [];
  for (let s = 0; s * k < count; s++) {
    const own = data.slice(s * k, (s + 1) * k);
    const parity = Array.from({ length: m }, (_, j) => combine(lagrangeRow(k, k + j).slice(0, own.length), own));
    const add = (shard: Uint8Array, position: number): StoredShard => {
      const id = Uint8Array.from(createHash('sha256').update(shard).digest());
      return { index: shardIndex(CODE, s, position), shard, id, commitment: commit(shard) };
    };
    const stored = [...own.map(add), ...parity.map((shard, j) => add(shard, k + j))];
    shards.push(...stored);
    stripes.push({
      c: Buffer.concat(stored.slice(0, own.length).map(({ commitment }) => commitment)),
      h: Buffer.concat(stored.map(({ id }) => id)),
    });
  }
  const segment: Segment = { i: 0, stripes };
  const segmentBytes = encodeSegment(segment, CODE);
  const root = signRoot(
    {
      network: NETWORK,
      kind: 'file',
      payload: 'packed31',
      cipher: 'aes-256-gcm',
      size: PLAINTEXT_BYTES,
      code: CODE,
      segments: [nodeCid(segmentBytes)],
      created: CREATED,
      owner: OWNER.publicKey,
    },
    OWNER,
  );
  return { root, rootBytes: encodeRoot(root), segment, segmentBytes, shards };
}

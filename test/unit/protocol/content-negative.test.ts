import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { aesGcm } from '../../../node/transfer/aead.ts';
import { unpackPayload } from '../../../protocol/blob.ts';
import { type CodeParameters, validateCode } from '../../../protocol/code.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { contentKey, openFrame, sealFrame } from '../../../protocol/frame.ts';

interface Refusal {
  readonly name: string;
  readonly error: string;
}

interface ShardCase extends Refusal {
  readonly length?: number;
  readonly bytes: readonly [number, number][];
  readonly payloadLength: number;
}

interface FrameCase extends Refusal {
  readonly plaintextLength: number;
  readonly sealed: [number, number];
  readonly opened: [number, number];
  readonly flip?: number;
  readonly cut?: number;
}

interface CodeCase extends Refusal {
  readonly code: CodeParameters;
  readonly payload: 'packed31' | 'raw4844';
}

const url = new URL('../../vectors/negative-content.json', import.meta.url);
const cases: { shards: ShardCase[]; frames: FrameCase[]; codes: CodeCase[] } = JSON.parse(readFileSync(url, 'utf8'));

describe('refused shards', () => {
  for (const { name, error, bytes, length = SHARD_BYTES, payloadLength } of cases.shards) {
    test(name, () => {
      const shard = new Uint8Array(length);
      for (const [offset, value] of bytes) shard[offset] = value;
      assert.throws(() => unpackPayload(shard, payloadLength), { name: 'ContentError', code: error });
    });
  }
});

describe('refused frames', () => {
  const key = contentKey(new Uint8Array(32).fill(7));
  for (const { name, error, plaintextLength, sealed, opened, flip, cut = 0 } of cases.frames) {
    test(name, () => {
      const payload = sealFrame(aesGcm, key, ...sealed, new Uint8Array(plaintextLength).fill(0x5a));
      if (flip !== undefined) payload[flip] = (payload[flip] as number) ^ 1;
      const received = payload.subarray(0, payload.length - cut);
      assert.throws(() => openFrame(aesGcm, key, ...opened, received), { name: 'ContentError', code: error });
    });
  }
});

describe('refused codes', () => {
  for (const { name, error, code, payload } of cases.codes) {
    test(name, () => assert.throws(() => validateCode(code, payload), { name: 'CodeError', code: error }));
  }
});

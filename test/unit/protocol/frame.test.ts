import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { aesGcm } from '../../../node/transfer/aead.ts';
import { fromHex, toHex } from '../../../protocol/bytes.ts';
import { FRAME_BYTES, PAYLOAD_BYTES, TAG_BYTES } from '../../../protocol/constants.ts';
import { ContentError, type ContentErrorType } from '../../../protocol/content-error.ts';
import {
  contentKey,
  frameCount,
  frameNonce,
  frameRange,
  openFrame,
  payloadLength,
  sealFrame,
} from '../../../protocol/frame.ts';
import { sha256Hex, vectorContent, vectors } from './content-vectors.ts';

function refusal(code: ContentErrorType['code']): (error: unknown) => boolean {
  return (error) => error instanceof ContentError && error.code === code;
}

test('the vectors: content key, plaintext and sealed payloads', () => {
  const { content } = vectors;
  assert.equal(toHex(contentKey(fromHex(content.fileKey))), content.contentKey);
  const { plaintext, payloads } = vectorContent();
  assert.equal(sha256Hex(plaintext), content.plaintext.sha256);
  assert.deepEqual(payloads.map(sha256Hex), content.payloadSha256);
  assert.deepEqual(
    payloads.map((payload) => payload.length),
    content.payloadLength,
  );
});

test('a file key of another length is refused', () => {
  for (const length of [0, 31, 33]) {
    assert.throws(() => contentKey(new Uint8Array(length)), refusal('invalid-key'));
  }
});

describe('geometry', () => {
  const cases = [
    { size: 0, count: 1, last: 0 },
    { size: 1, count: 1, last: 1 },
    { size: FRAME_BYTES - 1, count: 1, last: FRAME_BYTES - 1 },
    { size: 126_960, count: 1, last: 126_960 },
    { size: 126_961, count: 2, last: 1 },
    { size: 2 * FRAME_BYTES, count: 2, last: FRAME_BYTES },
    { size: 70945173713 * FRAME_BYTES + 1, count: 70945173714, last: 1 },
    { size: Number.MAX_SAFE_INTEGER, count: 70945173715, last: 11551 },
  ];
  for (const { size, count, last } of cases) {
    test(`${size} bytes are ${count} frames, the last of ${last}`, () => {
      assert.equal(frameCount(size), count);
      assert.deepEqual(frameRange(count - 1, size), { offset: size - last, length: last });
      assert.equal(payloadLength(count - 1, size, 'aes-256-gcm'), last + TAG_BYTES);
      assert.equal(payloadLength(count - 1, size, 'none'), last);
      assert.throws(() => frameRange(count, size), refusal('invalid-frame'));
    });
  }

  test('frames lie end to end, full but for the last, and fit a shard', () => {
    fc.assert(
      fc.property(fc.nat(20 * FRAME_BYTES), (size) => {
        let offset = 0;
        const count = frameCount(size);
        for (let i = 0; i < count; i++) {
          const range = frameRange(i, size);
          assert.equal(range.offset, offset);
          if (i < count - 1) assert.equal(range.length, FRAME_BYTES);
          assert.ok(payloadLength(i, size, 'aes-256-gcm') <= PAYLOAD_BYTES);
          offset += range.length;
        }
        assert.equal(offset, size);
      }),
    );
  });

  test('sizes and frames that do not exist are refused', () => {
    for (const size of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      assert.throws(() => frameCount(size), refusal('invalid-size'), String(size));
    }
    for (const frame of [-1, 1, 0.5, Number.NaN]) {
      assert.throws(() => frameRange(frame, 10), refusal('invalid-frame'), String(frame));
    }
    assert.throws(() => frameNonce(-1, false), refusal('invalid-frame'));
  });
});

test('a nonce is u64 i ‖ u24 0 ‖ u8 last', () => {
  assert.equal(toHex(frameNonce(0, false)), '000000000000000000000000');
  assert.equal(toHex(frameNonce(1, true)), '000000000000000100000001');
  assert.equal(toHex(frameNonce(2 ** 40 + 258, false)), '000001000000010200000000');
});

describe('sealed frames', () => {
  const key = contentKey(new Uint8Array(32).fill(7));
  const full = new Uint8Array(FRAME_BYTES).fill(1);

  test('open to what was sealed, the empty object included', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(5), (plaintext, i) => {
        const sealed = sealFrame(aesGcm, key, i, i + 1, plaintext);
        assert.equal(sealed.length, plaintext.length + TAG_BYTES);
        assert.deepEqual(openFrame(aesGcm, key, i, i + 1, sealed), plaintext);
      }),
    );
  });

  test('any flipped bit is detected', () => {
    const sealed = sealFrame(aesGcm, key, 0, 1, full.subarray(0, 100));
    fc.assert(
      fc.property(fc.nat(sealed.length * 8 - 1), (bit) => {
        const altered = sealed.slice();
        altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
        assert.throws(() => openFrame(aesGcm, key, 0, 1, altered), refusal('not-authentic'));
      }),
    );
  });

  test('a moved frame, a cut object, an extended object and a wrong key are detected', () => {
    const first = sealFrame(aesGcm, key, 0, 3, full);
    const middle = sealFrame(aesGcm, key, 1, 3, full);
    const last = sealFrame(aesGcm, key, 2, 3, full);
    assert.deepEqual(openFrame(aesGcm, key, 1, 3, middle), full);
    assert.throws(() => openFrame(aesGcm, key, 1, 3, first), refusal('not-authentic'), 'reordered');
    assert.throws(() => openFrame(aesGcm, key, 1, 2, middle), refusal('not-authentic'), 'truncated');
    assert.throws(() => openFrame(aesGcm, key, 2, 4, last), refusal('not-authentic'), 'extended');
    const other = contentKey(new Uint8Array(32).fill(8));
    assert.throws(() => openFrame(aesGcm, other, 1, 3, middle), refusal('not-authentic'), 'wrong key');
  });

  test('lengths that no frame has are refused on both sides', () => {
    assert.throws(() => sealFrame(aesGcm, key, 0, 2, full.subarray(1)), refusal('invalid-length'));
    assert.throws(() => sealFrame(aesGcm, key, 0, 1, new Uint8Array(FRAME_BYTES + 1)), refusal('invalid-length'));
    assert.throws(() => sealFrame(aesGcm, key, 1, 1, full), refusal('invalid-frame'));
    assert.throws(() => openFrame(aesGcm, key, 0, 1, new Uint8Array(TAG_BYTES - 1)), refusal('invalid-length'));
    assert.throws(() => openFrame(aesGcm, key, 0, 2, new Uint8Array(PAYLOAD_BYTES - 1)), refusal('invalid-length'));
    assert.throws(() => openFrame(aesGcm, key, 0, 1, new Uint8Array(PAYLOAD_BYTES + 1)), refusal('invalid-length'));
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WatchedPacker } from '../../../node/kzg/watched-packer.ts';
import { type Packer, packPayload, portablePacker, unpackPayload } from '../../../protocol/blob.ts';
import { PAYLOAD_BYTES } from '../../../protocol/constants.ts';

const payload = Uint8Array.from({ length: PAYLOAD_BYTES }, (_, i) => (i * 167 + 13) & 0xff);
const shard = packPayload(payload);
/** Nearly right: what one element in a call cannot find soon. */
const LATER = 4_096;

function watched(over: Partial<Packer>) {
  const reasons: string[] = [];
  const packer = new WatchedPacker({ ...portablePacker, ...over }, (reason) => reasons.push(reason));
  return { packer, reasons };
}

test('a sound packer is asked every time, and gives the memory it was given', () => {
  let asked = 0;
  const { packer, reasons } = watched({
    pack: (...args) => {
      asked++;
      return packPayload(...args);
    },
  });
  const out = new Uint8Array(shard.length).fill(7);
  for (let i = 0; i < 70; i++) assert.equal(packer.pack(payload, out), out);
  assert.deepEqual(out, shard);
  for (const length of [0, 1, 31, 100, payload.length]) {
    const short = payload.subarray(0, length);
    assert.deepEqual(packer.unpack(packer.pack(short), length), short);
  }
  assert.deepEqual([asked, reasons], [75, []]);
});

test('a packer that turns wrong is found in that call, told of once, and replaced', () => {
  let calls = 0;
  const { packer, reasons } = watched({
    pack: (bytes, out) => {
      const packed = packPayload(bytes, out);
      return ++calls > 3 ? packed.fill(1) : packed;
    },
  });
  const out = new Uint8Array(shard.length);
  for (let i = 0; i < 6; i++) {
    assert.equal(packer.pack(payload, out), out);
    assert.deepEqual(out, shard);
  }
  assert.deepEqual([calls, reasons], [4, ['a result differs from the definition of packing']]);
});

test('one that turns wrong in a single byte is found too', () => {
  const subtle = (bytes: Uint8Array) => {
    bytes[77_777] = (bytes[77_777] as number) ^ 1;
    return bytes;
  };
  for (const over of [
    { pack: (bytes: Uint8Array, out?: Uint8Array) => subtle(packPayload(bytes, out)) },
    { unpack: (bytes: Uint8Array, length: number) => subtle(unpackPayload(bytes, length)) },
  ]) {
    const { packer, reasons } = watched(over);
    for (let i = 0; i < LATER && reasons.length === 0; i++) {
      packer.pack(payload);
      packer.unpack(shard, payload.length);
    }
    assert.equal(reasons.length, 1);
    assert.deepEqual(packer.unpack(packer.pack(payload), payload.length), payload);
  }
});

test('a refusal stands when the definition refuses too; otherwise the packer is wrong', () => {
  const { packer, reasons } = watched({ unpack: () => assert.fail('nonsense') });
  const large = shard.with(32 * 8, 1);
  assert.throws(() => packer.unpack(large, payload.length), { code: 'element-too-large' });
  assert.deepEqual(reasons, []);
  assert.deepEqual(packer.unpack(shard, payload.length), payload);
  assert.deepEqual(reasons, ['it refuses what the definition of packing takes']);
});

test('one that takes what the definition refuses is wrong', () => {
  const { packer, reasons } = watched({ unpack: (_, length) => payload.subarray(0, length) });
  assert.throws(() => packer.unpack(shard, 100), { code: 'non-zero-padding' });
  assert.deepEqual(reasons, ['a result differs from the definition of packing']);
});

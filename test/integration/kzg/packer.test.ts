import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { choosePacker, firstSound } from '../../../node/kzg/choose-packer.ts';
import { type Packer, packPayload, portablePacker } from '../../../protocol/blob.ts';
import { withoutNative } from '../../helpers/kernels.ts';

test('packs and unpacks like the protocol, with the same refusals', { skip: withoutNative }, () => {
  const packer = choosePacker();
  assert.notEqual(packer, portablePacker);
  for (const length of [0, 1, 30, 31, 32, 61, 126_975, 126_976]) {
    const payload = new Uint8Array(randomBytes(length));
    const shard = packer.pack(payload);
    assert.equal(Buffer.compare(shard, packPayload(payload)), 0);
    assert.equal(Buffer.compare(packer.unpack(shard, length), payload), 0);
    const dirty = new Uint8Array(randomBytes(131_072));
    assert.equal(Buffer.compare(packer.pack(payload, dirty), shard), 0);
  }
  const shard = packer.pack(new Uint8Array(100).fill(1));
  assert.throws(() => packer.unpack(shard.with(32 * 8, 1), 100), { code: 'element-too-large' });
  assert.throws(() => packer.unpack(shard, 99), { code: 'non-zero-padding' });
  assert.throws(() => packer.pack(new Uint8Array(126_977)), { code: 'invalid-length' });
  assert.throws(() => packer.unpack(shard, -1), { code: 'invalid-length' });
  assert.throws(() => packer.unpack(shard, 100, new Uint8Array(99)), { code: 'invalid-length' });
});

test('the definition packs where there is no addon, another backend is forced, or the addon is wrong', () => {
  assert.equal(choosePacker({ backend: 'wasm' }), portablePacker);
  assert.equal(choosePacker({ paths: [] }), portablePacker);
  const wrong: Packer = { ...portablePacker, pack: (payload, out) => portablePacker.pack(payload, out).with(5, 1) };
  const broken: Packer = { ...portablePacker, unpack: () => assert.fail('broken') };
  const right: Packer = { ...portablePacker };
  assert.equal(firstSound([wrong, broken, right]), right);
  assert.equal(firstSound([wrong, broken]), portablePacker);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@ipld/dag-cbor';
import fc from 'fast-check';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { equalBytes } from '../../../protocol/bytes.ts';
import { StructureError } from '../../../protocol/cbor.ts';
import { decodeChallenge, encodeChallenge } from '../../../protocol/challenge.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import { decodeAdvert, encodeAdvert, signAdvert, verifyAdvert } from '../../../protocol/hello.ts';
import { decodeRelease, encodeRelease, signRelease, verifyRelease } from '../../../protocol/release.ts';
import { decodeResponse, encodeResponse } from '../../../protocol/response.ts';
import {
  decodeStoreReceipt,
  encodeStoreReceipt,
  signStoreReceipt,
  verifyStoreReceipt,
} from '../../../protocol/store-receipt.ts';
import { identity } from '../../../scripts/vectors/fixtures.ts';
import {
  DECODERS,
  readVectors,
  type StructureName,
  type StructureVectors,
  validStructures,
} from '../../helpers/protocol-codecs.ts';

const valid = validStructures(readVectors<StructureVectors>('structures-v1.json'));
const signer = identity('properties');
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const time = fc.maxSafeNat();
const cid = fc.uint8Array({ maxLength: 40 }).map(nodeCid);
const bitmap = fc.uniqueArray(fc.nat({ max: 65_535 }), { minLength: 1, maxLength: 40 }).map(bitmapOf);

/** Decodes, or gives undefined when it is refused in the one way that is allowed. */
function tryDecode(structure: StructureName, bytes: Uint8Array) {
  try {
    return DECODERS[structure](bytes);
  } catch (error) {
    assert.ok(error instanceof StructureError, `${structure} threw ${error}`);
    assert.doesNotMatch(error.message, /\n/);
    return undefined;
  }
}

const names = Object.keys(DECODERS) as StructureName[];

test('decoders take any bytes and throw nothing but StructureError', () => {
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    // Well-formed dag-cbor of another shape.
    fc
      .dictionary(
        fc.constantFrom('v', 'i', 'c', 'h', 'set', 'sig', 'stripes', 'root', 'ids', 'missing', '__proto__', 'size'),
        fc.oneof(
          fc.constant(1),
          fc.maxSafeNat(),
          fc.uint8Array({ maxLength: 70 }),
          fc.string(),
          fc.boolean(),
          fc.constant(null),
          fc.array(fc.nat()),
        ),
      )
      .map((value) => encode({ v: 1, ...value })),
  );
  fc.assert(
    fc.property(fc.constantFrom(...names), anyBytes, (structure, bytes) => {
      const decoded = tryDecode(structure, bytes);
      if (decoded !== undefined) assert.ok(equalBytes(decoded.encode(), bytes), `${structure} is not canonical`);
    }),
    { numRuns: 2000 },
  );
});

test('truncations are refused', () => {
  for (const { structure, name, bytes } of valid) {
    // A bare status byte of 0 is a whole reply.
    if (name === 'replyOk') continue;
    const step = Math.max(1, Math.floor(bytes.length / 60));
    for (let length = 0; length < bytes.length; length += step) {
      const decoded = tryDecode(structure, bytes.subarray(0, length));
      assert.equal(decoded, undefined, `${name} cut to ${length} bytes`);
    }
  }
});

test('a flipped bit is refused, or decodes to something else that is not signed', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...valid),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (chosen, where) => {
        const { structure, name, bytes } = chosen;
        const bit = Math.floor(where * 8 * bytes.length);
        const flipped = Uint8Array.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
        const decoded = tryDecode(structure, flipped);
        if (decoded === undefined) return;
        assert.ok(equalBytes(decoded.encode(), flipped), `${name}, bit ${bit}: it decodes to what it does not say`);
        if (decoded.verify !== undefined) assert.equal(decoded.verify(), false, `${name}, bit ${bit}`);
      },
    ),
    { numRuns: 800 },
  );
});

test('store receipts, releases and adverts survive signing, encoding and decoding', () => {
  const unsignedReceipt = fc.record({
    network: bytesOf(32),
    holder: fc.constant(signer.publicKey),
    owner: bytesOf(32),
    root: cid,
    segment: cid,
    indices: bitmap,
    issuedAt: time,
    expiresAt: fc.constantFrom(0, Number.MAX_SAFE_INTEGER),
  });
  const unsignedRelease = fc.record({
    network: bytesOf(32),
    owner: fc.constant(signer.publicKey),
    root: cid,
    issuedAt: time,
  });
  const printable = fc.string({ unit: 'grapheme', maxLength: 8 });
  const unsignedAdvert = fc.record({
    network: bytesOf(32),
    peer: fc.constant(signer.publicKey),
    issuedAt: time,
    agent: fc.stringMatching(/^[a-z/0-9.]{0,20}$/),
    capacity: fc.constant(Number.MAX_SAFE_INTEGER),
    free: time,
    region: printable.filter((text) => text.isWellFormed() && !/\p{Cc}/u.test(text) && Buffer.byteLength(text) <= 64),
    services: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,10}$/), { maxLength: 8 }).map((list) => list.sort()),
    addresses: fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 }),
  });
  const numRuns = 25;
  fc.assert(
    fc.property(unsignedReceipt, (unsigned) => {
      fc.pre(unsigned.expiresAt === 0 || unsigned.expiresAt > unsigned.issuedAt);
      const receipt = signStoreReceipt(unsigned, signer);
      const decoded = decodeStoreReceipt(encodeStoreReceipt(receipt));
      assert.deepEqual(
        { ...decoded, root: String(decoded.root), segment: String(decoded.segment) },
        {
          ...receipt,
          root: String(receipt.root),
          segment: String(receipt.segment),
        },
      );
      assert.ok(verifyStoreReceipt(decoded));
    }),
    { numRuns },
  );
  fc.assert(
    fc.property(unsignedRelease, (unsigned) => {
      const decoded = decodeRelease(encodeRelease(signRelease(unsigned, signer)));
      assert.ok(verifyRelease(decoded) && decoded.root.equals(unsigned.root) && decoded.issuedAt === unsigned.issuedAt);
    }),
    { numRuns },
  );
  fc.assert(
    fc.property(unsignedAdvert, (unsigned) => {
      const advert = signAdvert(unsigned, signer);
      const decoded = decodeAdvert(encodeAdvert(advert));
      assert.deepEqual(decoded, advert);
      assert.ok(verifyAdvert(decoded));
    }),
    { numRuns },
  );
});

test('nobody can sign a structure in the name of another', () => {
  const unsigned = {
    network: new Uint8Array(32),
    owner: identity('another').publicKey,
    root: nodeCid(new Uint8Array(1)),
    issuedAt: 1,
  };
  assert.throws(() => signRelease(unsigned, signer), RangeError);
});

test('challenges and responses survive their fixed layout', () => {
  const challenge = fc.record({
    network: bytesOf(32),
    prover: bytesOf(32),
    auditor: bytesOf(32),
    setDigest: bytesOf(32),
    count: fc.integer({ min: 1, max: 16_384 }),
    nonce: bytesOf(32),
    issuedAt: time,
    deadlineMs: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  });
  const response = fc.record({
    challengeId: bytesOf(32),
    status: fc.constantFrom(0 as const, 1 as const),
    y: bytesOf(32),
    proof: bytesOf(48),
    sentAt: time,
  });
  fc.assert(fc.property(challenge, (value) => assert.deepEqual(decodeChallenge(encodeChallenge(value)), { ...value })));
  fc.assert(fc.property(response, (value) => assert.deepEqual(decodeResponse(encodeResponse(value)), { ...value })));
});

test('the encoders refuse what the decoders would', () => {
  const release = {
    network: new Uint8Array(32),
    owner: signer.publicKey,
    root: nodeCid(new Uint8Array(1)),
    issuedAt: 1,
  };
  const refused = (error: unknown) => error instanceof StructureError;
  assert.throws(() => signRelease({ ...release, network: new Uint8Array(31) }, signer), refused);
  assert.throws(() => signRelease({ ...release, issuedAt: 1.5 }, signer), refused);
  assert.throws(() => signRelease({ ...release, extra: 1 } as typeof release, signer), refused);
  assert.throws(() => encodeChallenge({ ...decodeChallengeOf(), count: 0 }), refused);
  assert.throws(
    () =>
      encodeResponse({
        challengeId: new Uint8Array(31),
        status: 0,
        y: new Uint8Array(32),
        proof: new Uint8Array(48),
        sentAt: 1,
      }),
    refused,
  );
});

function decodeChallengeOf() {
  const bytes = new Uint8Array(32);
  return {
    network: bytes,
    prover: bytes,
    auditor: bytes,
    setDigest: bytes,
    count: 1,
    nonce: bytes,
    issuedAt: 1,
    deadlineMs: 1,
  };
}

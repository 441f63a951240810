import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { KzgError, type Opening } from '../../../node/kzg/engine.ts';
import { type CommitAndOpen, KNOWN_ANSWERS, knownBlob, wrongAnswer } from '../../../node/kzg/known-answer.ts';
import { createCommitmentKernel } from '../../../node/kzg/wasm/create-commitment-kernel.ts';
import { bigIntToBytes, toHex } from '../../../protocol/bytes.ts';
import { FIELD_ELEMENT_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { FR_MODULUS } from '../../../protocol/field.ts';
import { blobOf, EDGE_BLOBS, randomBlob } from '../../helpers/edge-blobs.ts';
import { nativeKernel, withoutNative } from '../../helpers/kernels.ts';
import { referenceLibrary } from '../../helpers/libraries.ts';

/** c-kzg where it could be built. */
const library = await referenceLibrary();

const element = (value: bigint) => bigIntToBytes(value, FIELD_ELEMENT_BYTES);
const inHex = ({ y, proof }: Opening) => ({ y: toHex(y), proof: toHex(proof) });
const RANDOM_BLOBS = 8;

/** Points of every kind: small, large, in the blob, and roots of unity (1, −1, and one of order 4,096). */
const ROOT = 0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306n;
const POINTS: Readonly<Record<string, Uint8Array>> = {
  zero: element(0n),
  'a number that is no root': element(12_345_678_901_234_567_890n),
  'r − 2': element(FR_MODULUS - 2n),
  'the root 1': element(1n),
  'the root −1': element(FR_MODULUS - 1n),
  'a primitive root': element(ROOT),
};

const KERNELS: readonly { name: string; skip: string | false; create(): Promise<CommitAndOpen> }[] = [
  { name: 'native', skip: withoutNative, create: async () => nativeKernel() },
  { name: 'wasm', skip: false, create: createCommitmentKernel },
];

for (const { name, skip, create } of KERNELS) {
  describe(name, { skip }, async () => {
    let kernel: CommitAndOpen;
    before(async () => {
      kernel = await create();
    });

    test('commits like the library: random blobs', async () => {
      for (let i = 0; i < RANDOM_BLOBS; i++) {
        const blob = randomBlob(randomBytes);
        assert.equal(toHex(await kernel.commit(blob)), toHex(library.commit(blob)), toHex(blob));
      }
    });

    for (const [kind, z] of Object.entries(POINTS)) {
      test(`opens like the library at ${kind}`, async () => {
        for (const blob of [randomBlob(randomBytes), EDGE_BLOBS.counting] as Uint8Array[]) {
          assert.deepEqual(inHex(await kernel.open(blob, z)), inHex(library.open(blob, z)));
        }
      });
    }

    test('gives the known answers', async () => assert.equal(await wrongAnswer(kernel), undefined));

    for (const at of [0, 1, 2047, 4095]) {
      test(`refuses r as element ${at}, to commit and to open`, async () => {
        const blob = blobOf((i) => (i === at ? FR_MODULUS : 0n));
        const refusal = (error: unknown) =>
          error instanceof KzgError && error.type.code === 'non-canonical-element' && error.type.element === at;
        await assert.rejects(async () => kernel.commit(blob), refusal);
        await assert.rejects(async () => kernel.open(blob, element(5n)), refusal);
      });
    }

    test('refuses blobs and points of wrong lengths, and a point of r', async () => {
      const blob = new Uint8Array(SHARD_BYTES);
      for (const wrong of [0, 32, SHARD_BYTES - 1, SHARD_BYTES + 1]) {
        await assert.rejects(async () => kernel.commit(new Uint8Array(wrong)), { code: 'invalid-length' });
      }
      await assert.rejects(async () => kernel.open(blob, new Uint8Array(31)), { code: 'invalid-length' });
      await assert.rejects(async () => kernel.open(blob, element(FR_MODULUS)), { code: 'non-canonical-element' });
    });
  });
}

test('the library gives the known answers', () => {
  for (const { seed, z, commitment, y, proof } of KNOWN_ANSWERS) {
    const blob = knownBlob(seed);
    assert.equal(toHex(library.commit(blob)), commitment);
    assert.deepEqual(inHex(library.open(blob, Buffer.from(z, 'hex'))), { y, proof });
  }
});

test('a kernel that is wrong in one bit of any answer is found out', async () => {
  const good = await createCommitmentKernel();
  const flip = (bytes: Uint8Array) => bytes.with(bytes.length - 1, (bytes.at(-1) as number) ^ 1);
  const bent: CommitAndOpen[] = [
    { commit: (blob) => flip(good.commit(blob)), open: (blob, z) => good.open(blob, z) },
    {
      commit: (blob) => good.commit(blob),
      open: (blob, z) => ({ ...good.open(blob, z), y: flip(good.open(blob, z).y) }),
    },
    {
      commit: (blob) => good.commit(blob),
      open: (blob, z) => ({ ...good.open(blob, z), proof: flip(good.open(blob, z).proof) }),
    },
  ];
  for (const kernel of bent) assert.notEqual(await wrongAnswer(kernel), undefined);
});

test('the complete formulas in WebAssembly agree with the fast ones', async () => {
  const kernel = await createCommitmentKernel();
  const blob = randomBlob(randomBytes);
  assert.deepEqual(kernel.commitExact(blob), kernel.commit(blob));
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '@noble/hashes/sha2.js';
import { BACKENDS } from '../../../node/kzg/backend.ts';
import { createKzgEngine } from '../../../node/kzg/create-engine.ts';
import { type KzgEngine, KzgError } from '../../../node/kzg/engine.ts';
import { createCommitmentKernel } from '../../../node/kzg/wasm/create-commitment-kernel.ts';
import { bytesToBigInt, concat, equalBytes, fromHex, toHex } from '../../../protocol/bytes.ts';
import { ELEMENTS_PER_SHARD } from '../../../protocol/constants.ts';
import { osToFr } from '../../../protocol/field.ts';
import { nativeKernel, withoutNative } from '../../helpers/kernels.ts';
import { withoutLibrary } from '../../helpers/libraries.ts';
import { MALFORMED } from '../../helpers/malformed-points.ts';
import {
  element,
  GENERATOR,
  INVALID_BLOBS,
  INVALID_ELEMENTS,
  INVALID_POINTS,
  plusGenerator,
  SUITE_BLOBS,
  SUITE_POINTS,
} from '../../helpers/suite-4844.ts';

interface Answers {
  readonly commitment: string;
  readonly blobProof: string;
  readonly openings: Readonly<Record<string, { readonly y: string; readonly proof: string }>>;
}

const ANSWERS = JSON.parse(readFileSync(new URL('../../vectors/kzg-4844.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, Answers>
>;
const cases = Object.entries(SUITE_BLOBS).map(([name, blob]) => ({ name, blob, answers: ANSWERS[name] as Answers }));
const openings = cases.flatMap(({ name, blob, answers }) =>
  Object.entries(SUITE_POINTS).map(([point, z]) => {
    const { y, proof } = answers.openings[point] as { y: string; proof: string };
    const commitment = fromHex(answers.commitment);
    return { name: `${name}, at ${point}`, blob, commitment, z, y: fromHex(y), proof: fromHex(proof) };
  }),
);
const POINTS = Object.keys(SUITE_POINTS).length;
const INFINITY = fromHex(`c0${'00'.repeat(47)}`);
const malformedPoints = [
  ...Object.entries(INVALID_POINTS).map(([name, bytes]) => ({ name, bytes })),
  ...MALFORMED.map(({ name, bytes }) => ({ name, bytes })),
];

/** The point at which a blob is opened to prove it as a whole (EIP-4844, compute_challenge). */
function challenge(blob: Uint8Array, commitment: Uint8Array): Uint8Array {
  const degree = new Uint8Array(16);
  new DataView(degree.buffer).setUint32(12, ELEMENTS_PER_SHARD);
  return element(osToFr(sha256(concat(new TextEncoder().encode('FSBLOBVERIFY_V1_'), degree, blob, commitment))));
}

const refusal = (type: object) => (error: unknown) => {
  assert.ok(error instanceof KzgError, String(error));
  assert.deepEqual(error.type, type);
  return true;
};

type Prover = Pick<KzgEngine, 'commit' | 'open'>;

/** The same answers and the same refusals, whoever computes. `at` = the openings that are compared. */
function provesLikeTheSuite(prover: () => Prover, at = openings): void {
  test('commits and opens like c-kzg', async () => {
    for (const { name, blob, answers } of cases) {
      assert.equal(toHex(await prover().commit(blob)), answers.commitment, name);
    }
    for (const { name, blob, z, y, proof } of at) {
      assert.deepEqual(await prover().open(blob, z), { y, proof }, name);
    }
  });

  test('proves blobs as a whole like c-kzg', async () => {
    for (const { name, blob, answers } of cases) {
      const { proof } = await prover().open(blob, challenge(blob, fromHex(answers.commitment)));
      assert.equal(toHex(proof), answers.blobProof, name);
    }
  });

  for (const [name, { blob, type }] of Object.entries(INVALID_BLOBS)) {
    test(`refuses a blob: ${name}`, async () => {
      await assert.rejects(prover().commit(blob), refusal(type));
      await assert.rejects(prover().open(blob, SUITE_POINTS.zero as Uint8Array), refusal(type));
    });
  }

  for (const [name, { bytes, type }] of Object.entries(INVALID_ELEMENTS)) {
    test(`refuses a point to open at: ${name}`, async () => {
      await assert.rejects(prover().open(SUITE_BLOBS['powers of 5'] as Uint8Array, bytes), refusal(type));
    });
  }
}

/** A malformed commitment is an error, a malformed proof or value is a wrong one. `at` = the openings that are verified. */
function verifiesLikeTheSuite(engine: () => KzgEngine, at = openings): void {
  test('accepts right proofs and no others', async () => {
    for (const { name, commitment, z, y, proof } of at) {
      assert.equal(await engine().verify(commitment, z, y, proof), true, name);
      assert.equal(await engine().verify(commitment, z, y, plusGenerator(proof)), false, name);
      const constant = proof[0] === 0xc0; // the quotient is zero
      assert.equal(await engine().verify(commitment, z, y, INFINITY), constant, name);
      assert.equal(await engine().checkOpening(commitment, z, { y, proof }), true, name);
      assert.equal(await engine().checkOpening(commitment, z, { y, proof: plusGenerator(proof) }), false, name);
      assert.equal(await engine().checkOpening(commitment, z, { y, proof: INFINITY }), constant, name);
      const zero = equalBytes(commitment, INFINITY);
      assert.equal(await engine().checkOpening(INFINITY, z, { y, proof }), zero, name);
    }
  });

  test('accepts right proofs of whole blobs and no others', async () => {
    for (const { name, blob, answers } of cases) {
      const commitment = fromHex(answers.commitment);
      const z = challenge(blob, commitment);
      const { y } = await engine().open(blob, z);
      assert.equal(await engine().verify(commitment, z, y, fromHex(answers.blobProof)), true, name);
      assert.equal(await engine().verify(commitment, z, y, plusGenerator(fromHex(answers.blobProof))), false, name);
      const other = element(bytesToBigInt(y) === 0n ? 1n : bytesToBigInt(y) - 1n);
      assert.equal(await engine().verify(commitment, z, other, fromHex(answers.blobProof)), false, name);
    }
  });

  const { commitment, z, y, proof } = openings.find(
    ({ name }) => name === 'powers of 2, at one',
  ) as (typeof openings)[0];

  for (const { name, bytes } of malformedPoints) {
    test(`a point that is none: ${name}`, async () => {
      await assert.rejects(engine().verify(bytes, z, y, proof), { code: 'invalid-commitment' });
      await assert.rejects(engine().verify(bytes, z, y, bytes), { code: 'invalid-commitment' });
      await assert.rejects(engine().verify(bytes, z, new Uint8Array(33), proof), { code: 'invalid-commitment' });
      assert.equal(await engine().verify(commitment, z, y, bytes), false);
      assert.equal(await engine().checkOpening(commitment, z, { y, proof: bytes }), false);
      assert.equal(await engine().checkOpening(bytes, z, { y, proof }), false);
    });
  }

  for (const [name, { bytes, type }] of Object.entries(INVALID_ELEMENTS)) {
    test(`an element that is none: ${name}`, async () => {
      await assert.rejects(engine().verify(commitment, bytes, y, proof), refusal(type));
      assert.equal(await engine().verify(commitment, z, bytes, proof), false);
      assert.equal(await engine().checkOpening(commitment, z, { y: bytes, proof }), false);
    });
  }

  test('batches of every length are good', async () => {
    for (let count = 0; count <= cases.length; count++) {
      assert.deepEqual(await engine().batchCheck(batch().slice(0, count)), []);
    }
  });

  test('a batch names the bad pair, whatever is wrong with it', async () => {
    for (const { blob } of Object.values(INVALID_BLOBS)) {
      assert.deepEqual(
        await engine().batchCheck(batch().with(4, { ...batch()[4], load: async () => blob } as Pair)),
        [4],
      );
    }
    for (const bytes of [...Object.values(INVALID_POINTS), INFINITY, GENERATOR]) {
      const expected = bytes === INFINITY ? [] : [0]; // blob 0 is zero
      assert.deepEqual(
        await engine().batchCheck(batch().with(0, { ...batch()[0], commitment: bytes } as Pair)),
        expected,
      );
    }
  });
}

type Pair = Parameters<KzgEngine['batchCheck']>[0][number];
const batch = (): Pair[] =>
  cases.map(({ blob, answers }) => ({ commitment: fromHex(answers.commitment), load: async () => blob }));

/** Points, and sums of points and of blobs. */
function combinesStrictly(
  engine: () => Pick<KzgEngine, 'combineCommitments' | 'invalidCommitments' | 'linearMap' | 'accumulator'>,
) {
  test('finds every point that is none, and refuses to combine it, also times zero', async () => {
    const list = malformedPoints.flatMap(({ bytes }) => [GENERATOR, bytes, INFINITY]);
    assert.deepEqual(
      await engine().invalidCommitments(list),
      malformedPoints.map((_, i) => 3 * i + 1),
    );
    for (const { name, bytes } of malformedPoints) {
      for (const coefficient of [0n, 1n, -1n]) {
        const sum = engine().combineCommitments([1n, coefficient], [GENERATOR, bytes]);
        await assert.rejects(sum, (error) => {
          const { type } = error as KzgError;
          assert.deepEqual({ ...type, reason: '' }, { code: 'invalid-commitment', index: 1, reason: '' }, name);
          return true;
        });
      }
    }
  });

  for (const [name, { blob, type }] of Object.entries(INVALID_BLOBS)) {
    test(`combines no blob that is none: ${name}`, async () => {
      const good = SUITE_BLOBS.twos as Uint8Array;
      await assert.rejects(engine().linearMap([[1n, 0n]], [good, blob]), refusal(type));
      assert.throws(() => engine().accumulator().add(0n, blob), refusal(type));
    });
  }
}

for (const backend of BACKENDS) {
  describe(backend, { skip: withoutLibrary(backend) }, () => {
    const engine = createKzgEngine({ backend, threads: 1 });
    before(() => engine.start());
    after(() => engine.stop());
    // An opening takes a library 60 ms: one of each blob, at all points in turn.
    provesLikeTheSuite(
      () => engine,
      openings.filter((_, i) => i % (POINTS + 1) === 0),
    );
    verifiesLikeTheSuite(() => engine);
    combinesStrictly(() => engine);
  });
}

describe('the fastest that works here', () => {
  const engine = createKzgEngine();
  before(() => engine.start());
  after(() => engine.stop());
  provesLikeTheSuite(() => engine);
  verifiesLikeTheSuite(() => engine);
  combinesStrictly(() => engine);
});

describe('native', { skip: withoutNative }, () => {
  provesLikeTheSuite(nativeKernel);
  combinesStrictly(nativeKernel);
});

describe('wasm', () => {
  let prover: Prover;
  before(async () => {
    const kernel = await createCommitmentKernel();
    prover = { commit: async (blob) => kernel.commit(blob), open: async (blob, z) => kernel.open(blob, z) };
  });
  provesLikeTheSuite(() => prover);
});

import assert from 'node:assert/strict';
import type { Backend } from '../../../node/kzg/library.ts';
import { concat } from '../../../protocol/bytes.ts';
import { ELEMENTS_PER_SHARD, FIELD_ELEMENT_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { FR_MODULUS } from '../../../protocol/field.ts';
import { element } from '../suite-4844.ts';
import { blobInput, type Drawn, draw, fieldElement, openingPoint } from './field-inputs.ts';
import type { Property } from './harness.ts';
import { encodingInput, isMember } from './point-inputs.ts';
import type { RandomSource } from './random-source.ts';
import { agree, outcome, type Prover, type Subjects } from './subjects.ts';

/** Commitments and openings are those of the first library; what it refuses is refused; all libraries judge alike. */
export function provingProperties({ libraries, provers }: Subjects): Property[] {
  const [reference] = libraries;
  if (reference === undefined) throw new RangeError('there is no library to compare with');
  const all = [...libraries, ...provers];
  const judgement = (library: Backend, [commitment, z, y, proof]: Claim) => {
    try {
      return library.verify(commitment, z, y, proof);
    } catch {
      return 'refused';
    }
  };

  return [
    {
      name: 'commit',
      weight: 4,
      async check(random, describe) {
        const { kind, value: blob } = blobInput(random);
        describe(`a blob: ${kind}`);
        const expected = await outcome(() => [reference.commit(blob)]);
        await agree(all, expected, (prover) => outcome(async () => [await prover.commit(blob)]));
      },
    },
    {
      name: 'open',
      weight: 3,
      async check(random, describe) {
        const { kind, value: blob } = blobInput(random);
        const { kind: where, value: z } = openingPoint(random, blob);
        describe(`a blob: ${kind}, at ${where}`);
        const opened = (prover: Prover) =>
          outcome(async () => {
            const { y, proof } = await prover.open(blob, z);
            return [y, proof];
          });
        await agree(all, await opened(reference), opened);
      },
    },
    {
      name: 'verify',
      weight: 3,
      async check(random, describe) {
        const prover = provers[provers.length - 1] ?? reference;
        const { kind, value: blob } = blobInput(random);
        const z = openingPoint(random, blob).value;
        const { y, proof } = await prover.open(blob, z);
        const right: Claim = [await prover.commit(blob), z, y, proof];
        const { kind: change, value: claim } = falsified(random, right);
        describe(`a blob: ${kind}, with ${change}`);
        const unchanged = Buffer.compare(concat(...claim), concat(...right)) === 0;
        const expected = !isMember(claim[0]) || !isMember(claim[3]) ? 'refused' : judgement(reference, claim);
        if (unchanged) assert.equal(expected, true);
        await agree(libraries, expected, async (library) => judgement(library, claim));
      },
    },
    {
      name: 'refuse to commit and to open',
      weight: 3,
      async check(random, describe) {
        const { kind, value: blob } = invalidBlob(random);
        describe(`no blob: ${kind}`);
        const z = element(fieldElement(random));
        for (const library of libraries) {
          assert.throws(() => library.commit(blob), Error, library.name);
          assert.throws(() => library.open(blob, z), Error, library.name);
        }
        const expected = refusalOf(blob);
        await agree(provers, expected, (prover) => outcome(async () => [await prover.commit(blob)]));
        await agree(provers, expected, (prover) => outcome(async () => [(await prover.open(blob, z)).proof]));
      },
    },
  ];
}

/** Commitment, z, y and proof. */
type Claim = readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array];

function falsified(random: RandomSource, right: Claim): Drawn<Claim> {
  const [commitment, z, y, proof] = right;
  return draw<Claim>(random, {
    'nothing changed': () => right,
    'another y': () => [commitment, z, element(fieldElement(random)), proof],
    'another z': () => [commitment, element(fieldElement(random)), y, proof],
    'another commitment': () => [encodingInput(random).value, z, y, proof],
    'another proof': () => [commitment, z, y, encodingInput(random).value],
    'commitment and proof exchanged': () => [proof, z, y, commitment],
  });
}

/** A blob with some elements of r and more, or of another length. */
export function invalidBlob(random: RandomSource): Drawn<Uint8Array> {
  const spoiled = (value: () => Uint8Array, count: number) => {
    const blob = blobInput(random).value.slice();
    for (let i = 0; i < count; i++) blob.set(value(), random.below(ELEMENTS_PER_SHARD) * FIELD_ELEMENT_BYTES);
    return blob;
  };
  return draw<Uint8Array>(random, {
    'one element is r': () => spoiled(() => element(FR_MODULUS), 1),
    'elements just above r': () => spoiled(() => element(FR_MODULUS + BigInt(random.below(1000))), 1 + random.below(5)),
    'elements with high bits': () => spoiled(() => element((1n << 255n) | random.integer(255)), 1 + random.below(5)),
    'the last element is too large': () => {
      const blob = blobInput(random).value.slice();
      blob.fill(0xff, SHARD_BYTES - FIELD_ELEMENT_BYTES);
      return blob;
    },
    'another length': () =>
      random.bytes(random.pick([0, 1, 31, 32, SHARD_BYTES - 32, SHARD_BYTES - 1, SHARD_BYTES + 1])),
  });
}

/** The refusal that every kernel must give. */
export function refusalOf(blob: Uint8Array): unknown {
  if (blob.length !== SHARD_BYTES) {
    return { refused: { code: 'invalid-length', expected: SHARD_BYTES, actual: blob.length } };
  }
  const limit = Buffer.from(element(FR_MODULUS));
  for (let i = 0; i < ELEMENTS_PER_SHARD; i++) {
    const at = i * FIELD_ELEMENT_BYTES;
    if (limit.compare(blob, at, at + FIELD_ELEMENT_BYTES) <= 0) {
      return { refused: { code: 'non-canonical-element', element: i } };
    }
  }
  throw new RangeError('the blob is valid');
}

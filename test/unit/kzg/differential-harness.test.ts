import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Group } from '../../../node/kzg/group.ts';
import type { Backend } from '../../../node/kzg/library.ts';
import { LinearMapper } from '../../../node/kzg/linear-map.ts';
import { isConstantShard, packPayload, unpackPayload } from '../../../protocol/blob.ts';
import { concat } from '../../../protocol/bytes.ts';
import { PAYLOAD_BYTES } from '../../../protocol/constants.ts';
import { combiningProperties } from '../../helpers/fuzz/combining-properties.ts';
import { FuzzFailure, fuzz, type Property } from '../../helpers/fuzz/harness.ts';
import { packingProperties } from '../../helpers/fuzz/packing-properties.ts';
import { isMember } from '../../helpers/fuzz/point-inputs.ts';
import { provingProperties } from '../../helpers/fuzz/proving-properties.ts';
import { RandomSource } from '../../helpers/fuzz/random-source.ts';
import type { Subjects } from '../../helpers/fuzz/subjects.ts';

const SEED = 'a-seed';
/** Many times what it takes to find each of the mistakes below with this seed. */
const ROUNDS = 500;

const hash = (...parts: Uint8Array[]) =>
  createHash('sha384')
    .update(concat(...parts))
    .digest();
/** Stands for a library: any function of the input will do. */
const library: Backend & { name: string } = {
  name: 'library',
  commit: (blob) => hash(blob),
  open: (blob, z) => ({ y: hash(z).subarray(0, 32), proof: hash(blob, z) }),
  verify(commitment) {
    if (!isMember(commitment)) throw new Error('refused');
    return true;
  },
};
const group = await Group.create(8);
const integers = new LinearMapper('integer');
const good: Subjects = {
  libraries: [library],
  provers: [{ ...library, name: 'prover' }],
  fields: [{ name: 'integers', map: (rows, blobs) => integers.map(rows, blobs) }],
  groups: [
    {
      name: 'mcl',
      combine: (coefficients, points) => group.combine(coefficients, concat(...points)),
      invalid: (points) => group.invalid(concat(...points)),
    },
  ],
  packers: [{ name: 'protocol', pack: packPayload, unpack: unpackPayload }],
};

const flip = (bytes: Uint8Array) => bytes.with(bytes.length - 1, (bytes.at(-1) as number) ^ 1);
const limits = [51n, 52n, 64n, 102n, 128n, 153n, 204n].map((bits) => 1n << bits);

/** A mistake in one class of input, the property that shows it, and what the report must say of the input. */
const MISTAKES: readonly { what: string; property: string; kind: RegExp; bent: Subjects }[] = [
  {
    what: 'commitments of constant blobs',
    property: 'commit',
    kind: /^a blob: (zero|one element everywhere)$/,
    bent: {
      ...good,
      provers: [
        { ...library, name: 'bent', commit: (blob) => (isConstantShard(blob) ? flip(hash(blob)) : hash(blob)) },
      ],
    },
  },
  {
    what: 'openings at an element of the blob',
    property: 'open',
    kind: /an element of the blob|zero/,
    bent: {
      ...good,
      provers: [
        {
          ...library,
          name: 'bent',
          open(blob, z) {
            const { y, proof } = library.open(blob, z);
            return { y, proof: Buffer.from(blob).includes(Buffer.from(z)) ? flip(proof) : proof };
          },
        },
      ],
    },
  },
  {
    what: 'coefficients that just fill a limb',
    property: 'combine',
    kind: /^coefficients near a limb$/,
    bent: {
      ...good,
      fields: [
        ...good.fields,
        {
          name: 'bent',
          map(rows, blobs) {
            const [first, ...rest] = integers.map(rows, blobs) as [Uint8Array, ...Uint8Array[]];
            return [rows.flat().some((c) => limits.includes(c < 0n ? -c : c)) ? flip(first) : first, ...rest];
          },
        },
      ],
    },
  },
  {
    what: 'points of small order',
    property: 'decode',
    kind: /^a point: (a point of small order|small x)$/,
    bent: {
      ...good,
      groups: [
        {
          ...good.groups[0]!,
          name: 'bent',
          invalid: (points) => group.invalid(concat(...points)).filter((i) => !orderThree(points[i])),
        },
      ],
    },
  },
  {
    what: 'full payloads',
    property: 'pack',
    kind: /^(a full payload|whole elements)$/,
    bent: {
      ...good,
      packers: [
        ...good.packers,
        {
          name: 'bent',
          pack: (payload, out) =>
            payload.length === PAYLOAD_BYTES ? flip(packPayload(payload, out)) : packPayload(payload, out),
          unpack: unpackPayload,
        },
      ],
    },
  },
];

/** x = 0: the two points of order three. */
const orderThree = (bytes: Uint8Array | undefined) =>
  bytes !== undefined && ((bytes[0] as number) & 0x1f) === 0 && bytes.subarray(1).every((byte) => byte === 0);

function propertiesOf(subjects: Subjects, name: string): Property[] {
  const all = [provingProperties, combiningProperties, packingProperties].flatMap((make) => make(subjects));
  return all.filter((property) => property.name === name).map((property) => ({ ...property, weight: 1 }));
}

function rounds(limit: number): () => boolean {
  let done = 0;
  return () => ++done >= limit;
}

for (const { what, property, kind, bent } of MISTAKES) {
  test(`finds a mistake in ${what}, says where, and finds it again`, async () => {
    const properties = propertiesOf(bent, property);
    const failure = await fuzz({ seed: SEED, properties, enough: rounds(ROUNDS) }).then(
      () => assert.fail('not found'),
      (error) => error,
    );
    assert.ok(failure instanceof FuzzFailure, String(failure));
    assert.equal(failure.property, property);
    assert.match(failure.inputClass, kind);
    assert.match(failure.message, /bent gives/);
    assert.ok(failure.message.includes(`HOLDFAST_FUZZ_SEED=${SEED} HOLDFAST_FUZZ_CASE=${failure.number}`));
    const again = { seed: SEED, enough: () => true, only: failure.number };
    await assert.rejects(fuzz({ ...again, properties }), { message: failure.message });
    await fuzz({ ...again, properties: propertiesOf(good, property) });
  });
}

test('every property is looked at, also when there is no time', async () => {
  const seen: string[] = [];
  const property = (name: string, weight: number): Property => ({
    name,
    weight,
    async check(_, describe) {
      describe('anything');
      seen.push(name);
    },
  });
  const tally = await fuzz({ seed: SEED, properties: [property('a', 1), property('b', 2)], enough: () => true });
  assert.deepEqual(seen, ['a', 'b', 'b']);
  assert.deepEqual(
    [...tally],
    [
      ['a: anything', 1],
      ['b: anything', 2],
    ],
  );
});

test('the same seed gives the same numbers, another seed others', () => {
  const numbers = (seed: string) => {
    const random = new RandomSource(seed);
    return [random.bytes(10), random.bytes(5000), random.below(1000), random.integer(255), random.bytes(4090)];
  };
  assert.deepEqual(numbers('a'), numbers('a'));
  assert.notDeepEqual(numbers('a'), numbers('b'));
});

import assert from 'node:assert/strict';
import { STANDARD_PARAMETERS } from '../../../protocol/code.ts';
import { frLagrangeCode } from '../../../protocol/codes/fr-lagrange.ts';
import { referenceKernel } from '../../unit/protocol/reference-kernel.ts';
import { blobInput, coefficientInput } from './field-inputs.ts';
import type { Property } from './harness.ts';
import { encodingInput, isMember, memberInput, sumOfPoints } from './point-inputs.ts';
import { invalidBlob, refusalOf } from './proving-properties.ts';
import type { RandomSource } from './random-source.ts';
import { agree, type FieldKernelSubject, outcome, type Subjects } from './subjects.ts';

/** Rows and columns of linear maps, up to the largest. */
const SHAPES = [
  [0, 0],
  [0, 3],
  [1, 0],
  [1, 1],
  [3, 2],
  [2, 7],
  [8, 16],
  [10, 20],
  [64, 1],
  [1, 64],
  [64, 2],
] as const;

/** Sums of blobs and of points are those of the definition, and the code gives back what it was given. */
export function combiningProperties({ libraries, provers, fields, groups }: Subjects): Property[] {
  const [exact] = fields;
  const [group] = groups;
  if (exact === undefined || group === undefined) throw new RangeError('there is nothing to compare with');
  const blobsOf = (random: RandomSource, count: number) => random.list(count, () => blobInput(random).value);

  return [
    {
      name: 'combine',
      weight: 6,
      async check(random, describe) {
        const { kind, value: coefficient } = coefficientInput(random);
        const blobs = blobsOf(random, 1 + random.below(3));
        const rows = [blobs.map(coefficient)];
        describe(kind);
        const expected = await outcome(() => referenceKernel.linearMap(rows, blobs));
        await agree(fields, expected, (field) => outcome(() => field.map(rows, blobs)));
      },
    },
    {
      name: 'map',
      weight: 4,
      async check(random, describe) {
        const { kind, value: coefficient } = coefficientInput(random);
        const [height, width] = random.pick(SHAPES);
        const blobs = blobsOf(random, width);
        const rows = random.list(height, () => blobs.map(coefficient));
        describe(`${kind}, ${rows.length} rows of ${blobs.length}`);
        const expected = await outcome(() => exact.map(rows, blobs));
        await agree(fields, expected, (field) => outcome(() => field.map(rows, blobs)));
      },
    },
    {
      name: 'refuse to combine',
      weight: 3,
      async check(random, describe) {
        const { kind, value: bad } = invalidBlob(random);
        const { value: coefficient } = coefficientInput(random);
        const blobs = blobsOf(random, 2).toSpliced(random.below(3), 0, bad);
        describe(`no blob: ${kind}`);
        const rows = [blobs.map(coefficient)];
        await agree(fields, refusalOf(bad), (field) => outcome(() => field.map(rows, blobs)));
      },
    },
    {
      name: 'encode and reconstruct',
      weight: 2,
      async check(random, describe) {
        const { k, m } = random.pick(STANDARD_PARAMETERS);
        const dataCount = random.pick([1, k - 1, k, k]);
        describe(`${k}+${m}, ${dataCount} data shards`);
        const data = blobsOf(random, dataCount);
        const codeOn = ({ map }: FieldKernelSubject) =>
          frLagrangeCode({ ...referenceKernel, linearMap: async (rows, blobs) => map(rows, blobs) });
        const parity = await codeOn(exact).encode(data, k, m);
        await agree(fields, await outcome(() => parity), (field) => outcome(() => codeOn(field).encode(data, k, m)));
        const shards = new Map([...data.entries(), ...parity.map((blob, j) => [k + j, blob] as const)]);
        const want = chosen(random, [...shards.keys()], 1 + random.below(m));
        const have = new Map([...shards].filter(([index]) => !want.includes(index)));
        const lost = await outcome(() => want.map((index) => shards.get(index) as Uint8Array));
        await agree(fields, lost, (field) => outcome(() => codeOn(field).reconstruct({ k, m, dataCount, have, want })));
      },
    },
    {
      name: 'combine commitments',
      weight: 6,
      async check(random, describe) {
        const { kind, value: coefficient } = coefficientInput(random);
        const points: Uint8Array[] = [];
        const kinds = random.list(random.below(6), () => {
          const point = memberInput(random, points);
          points.push(point.value);
          return point.kind;
        });
        describe(`${kind}; ${kinds.join(', ') || 'no points'}`);
        const coefficients = points.map(coefficient);
        const expected = await outcome(() => [sumOfPoints(coefficients, points)]);
        await agree(groups, expected, ({ combine }) => outcome(async () => [await combine(coefficients, points)]));
      },
    },
    {
      name: 'decode',
      weight: 12,
      async check(random, describe) {
        const { kind, value: bytes } = encodingInput(random);
        describe(`a point: ${kind}`);
        const member = isMember(bytes);
        const points = [memberInput(random, []).value, bytes];
        await agree(groups, member ? [] : [1], async ({ invalid }) => invalid(points));
        await agree(libraries, member, async (library) => accepted(() => library.verify(bytes, ZERO, ZERO, INFINITY)));
        if (member) return;
        await agree(groups, 'invalid-commitment 1', async ({ combine }) => {
          const sum = await outcome(async () => [await combine([1n, 0n], points)]);
          const { refused } = sum as { refused?: { code: string; index: number } };
          return refused && `${refused.code} ${refused.index}`;
        });
      },
    },
    {
      name: 'commitments are linear',
      weight: 1,
      async check(random, describe) {
        const { kind, value: coefficient } = coefficientInput(random);
        describe(kind);
        const blobs = blobsOf(random, 3);
        const row = blobs.map(coefficient);
        const prover = random.pick(provers);
        const [sum] = await random.pick(fields).map([row], blobs);
        const commitments = await Promise.all(blobs.map((blob) => prover.commit(blob)));
        const expected = await random.pick(groups).combine(row, commitments);
        assert.deepEqual(await prover.commit(sum as Uint8Array), expected, prover.name);
      },
    },
  ];
}

const ZERO = new Uint8Array(32);
const INFINITY = Uint8Array.from({ length: 48 }, (_, i) => (i === 0 ? 0xc0 : 0));

function accepted(verify: () => boolean): boolean {
  try {
    verify();
    return true;
  } catch {
    return false;
  }
}

function chosen<T>(random: RandomSource, list: readonly T[], count: number): T[] {
  const rest = [...list];
  return random.list(Math.min(count, rest.length), () => rest.splice(random.below(rest.length), 1)[0] as T);
}

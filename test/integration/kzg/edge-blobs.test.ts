import { test } from 'node:test';
import { unpackPayload } from '../../../protocol/blob.ts';
import { frLagrangeCode } from '../../../protocol/codes/fr-lagrange.ts';
import { FR_MODULUS } from '../../../protocol/field.ts';
import { EDGE_BLOBS } from '../../helpers/edge-blobs.ts';
import { agree, loadSubjects, outcome, type Prover } from '../../helpers/fuzz/subjects.ts';
import { element, SUITE_POINTS } from '../../helpers/suite-4844.ts';
import { referenceKernel } from '../../unit/protocol/reference-kernel.ts';

const { libraries, provers, fields, groups, packers } = await loadSubjects();
const all = [...libraries, ...provers];
const reference = libraries[0] as (typeof libraries)[number];
const blobs = Object.entries(EDGE_BLOBS);
/** Inside the domain and outside of it. */
const POINTS = [...Object.values(SUITE_POINTS), element(FR_MODULUS - 2n)];

for (const [index, [name, blob]] of blobs.entries()) {
  test(`all commit and open alike: ${name}`, async () => {
    const committed = (prover: Prover) => outcome(async () => [await prover.commit(blob)]);
    await agree(all, await committed(reference), committed);
    for (const z of [POINTS[index % POINTS.length], blob.subarray(32 * 77, 32 * 78)] as Uint8Array[]) {
      const opened = (prover: Prover) =>
        outcome(async () => {
          const { y, proof } = await prover.open(blob, z);
          return [y, proof];
        });
      await agree(all, await opened(reference), opened);
    }
  });
}

const KINDS: Readonly<Record<string, (index: number) => bigint>> = {
  '128 bits': (i) => (1n << 128n) - 1n - BigInt(i) ** 20n,
  '255 bits': (i) => FR_MODULUS - 1n - BigInt(i) ** 30n,
  'half of r': (i) => (FR_MODULUS >> 1n) + BigInt(i % 3),
  'short and negative': (i) => -(BigInt(i) ** 9n),
};

for (const [kind, coefficient] of Object.entries(KINDS)) {
  test(`all combine alike, blobs and commitments, with coefficients of ${kind}`, async () => {
    const input = blobs.map(([, blob]) => blob);
    const row = input.map((_, i) => coefficient(i));
    const sum = await referenceKernel.linearMap([row], input);
    await agree(fields, await outcome(() => sum), (field) => outcome(() => field.map([row], input)));
    const prover = provers.at(-1) ?? reference;
    const commitments = await Promise.all(input.map((blob) => prover.commit(blob)));
    const expected = await outcome(() => [reference.commit(sum[0] as Uint8Array)]);
    await agree(groups, expected, (group) => outcome(async () => [await group.combine(row, commitments)]));
    await agree(groups, [], async (group) => group.invalid(commitments));
  });
}

test('all encode and reconstruct alike', async () => {
  const [k, m] = [16, 8];
  const data = blobs.slice(0, k).map(([, blob]) => blob);
  const parity = await frLagrangeCode(referenceKernel).encode(data, k, m);
  const lost = [0, 1, 2, 3, 9, 15, 17, 23];
  const shards = [...data, ...parity];
  const have = new Map([...shards.entries()].filter(([index]) => !lost.includes(index)));
  const expected = await outcome(() => lost.map((index) => shards[index] as Uint8Array));
  for (const field of fields) {
    const code = frLagrangeCode({ ...referenceKernel, linearMap: async (rows, input) => field.map(rows, input) });
    await agree([field], await outcome(() => parity), () => outcome(() => code.encode(data, k, m)));
    const request = { k, m, dataCount: k, have, want: lost };
    await agree([field], expected, () => outcome(() => code.reconstruct(request)));
  }
});

test('all unpack alike, or refuse alike', async () => {
  for (const [, blob] of blobs) {
    for (const length of [0, 31, 126_975, 126_976]) {
      const expected = await outcome(() => [unpackPayload(blob, length)]);
      await agree(packers, expected, ({ unpack }) => outcome(() => [unpack(blob, length)]));
    }
  }
});

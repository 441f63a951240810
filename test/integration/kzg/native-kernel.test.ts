import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { FieldKernel } from '../../../node/kzg/field-kernel.ts';
import { Group } from '../../../node/kzg/group.ts';
import { LinearMapper } from '../../../node/kzg/linear-map.ts';
import { addonPaths, loadBinding } from '../../../node/kzg/native/binding.ts';
import { loadNativeKernel, wrongCombination } from '../../../node/kzg/native/load-native-kernel.ts';
import { concat, toHex } from '../../../protocol/bytes.ts';
import { FR_MODULUS } from '../../../protocol/field.ts';
import { EDGE_BLOBS, randomBlob } from '../../helpers/edge-blobs.ts';
import { nativeKernel, withoutNative } from '../../helpers/kernels.ts';
import { MALFORMED } from '../../helpers/malformed-points.ts';

const random = (bits: number) => BigInt.asUintN(bits, BigInt(`0x${randomBytes(32).toString('hex')}`));
const signed = (bits: number) => (random(1) === 0n ? random(bits) : -random(bits));
const blobs = [...Array.from({ length: 5 }, () => randomBlob(randomBytes)), ...Object.values(EDGE_BLOBS)];
const points = Array.from({ length: 24 }, (_, i) =>
  bls12_381.G1.Point.BASE.multiply(BigInt(i + 1) ** 9n).toBytes(true),
);
const INFINITY = Uint8Array.from({ length: 48 }, (_, i) => (i === 0 ? 0xc0 : 0));

/** Coefficients of every size, with the ends of the range. */
function coefficients(count: number, bits: number): bigint[] {
  const ends = [0n, 1n, -1n, FR_MODULUS - 1n, FR_MODULUS >> 1n, (FR_MODULUS >> 1n) + 1n, -FR_MODULUS];
  return Array.from({ length: count }, (_, i) => (bits === 255 && ends[i] !== undefined ? ends[i] : signed(bits)));
}

describe('the native kernel', { skip: withoutNative }, async () => {
  const kernel = withoutNative === false ? nativeKernel() : (undefined as never);

  for (const bits of [20, 51, 52, 128, 153, 154, 255]) {
    test(`combines blobs like the WebAssembly kernel, coefficients of ${bits} bits`, async () => {
      const row = coefficients(blobs.length, bits);
      const exact = new LinearMapper('integer').map([row], blobs)[0] as Uint8Array;
      const sum = kernel.accumulator();
      for (const [i, blob] of blobs.entries()) sum.add(row[i] as bigint, blob);
      assert.equal(Buffer.compare(sum.finish(), exact), 0);
      const [mapped] = await kernel.linearMap([row], blobs);
      assert.equal(Buffer.compare(mapped as Uint8Array, exact), 0);
    });
  }

  test('maps of any shape equal those of the WebAssembly kernel', async () => {
    for (const [rows, columns] of [
      [0, 0],
      [0, 3],
      [1, 0],
      [8, 16],
      [3, 1],
      [64, 2],
    ] as const) {
      const matrix = Array.from({ length: rows }, () => coefficients(columns, 40));
      const input = Array.from({ length: columns }, (_, i) => blobs[i % blobs.length] as Uint8Array);
      const expected = new LinearMapper().map(matrix, input);
      const actual = await kernel.linearMap(matrix, input);
      assert.equal(actual.length, rows);
      for (const [j, blob] of expected.entries()) assert.equal(Buffer.compare(blob, actual[j] as Uint8Array), 0);
    }
  });

  test('a sum of more blobs than its columns hold between reductions', () => {
    const field = new FieldKernel('integer');
    const [sum, blob, limbs] = field.reserve(field.functions.accumulator_bytes(), 131_072, field.limbBytes) as [
      number,
      number,
      number,
    ];
    const coefficient = FR_MODULUS >> 1n;
    const input = EDGE_BLOBS['r − 1 everywhere'] as Uint8Array;
    field.functions.clear(sum);
    field.writeBlob(blob, input);
    const used = field.writeCoefficient(limbs, coefficient);
    const native = kernel.accumulator();
    for (let i = 0; i < 1100; i++) {
      field.functions.accumulate(sum, blob, limbs, used);
      native.add(coefficient, input);
    }
    field.functions.finish(sum, blob);
    assert.equal(Buffer.compare(native.finish(), field.readBlob(blob)), 0);
  });

  test('an accumulator refuses bad blobs, keeps its sum, and ends once', () => {
    const sum = kernel.accumulator();
    const good = blobs[0] as Uint8Array;
    sum.add(1n, good);
    assert.throws(() => sum.add(1n, good.with(32 * 9, 0xff)), { code: 'non-canonical-element' });
    assert.throws(() => sum.add(1n, good.subarray(1)), { code: 'invalid-length' });
    assert.equal(Buffer.compare(sum.finish(), good), 0);
    assert.throws(() => sum.finish(), { code: 'invalid-argument' });
    assert.throws(() => sum.add(1n, good), { code: 'invalid-argument' });
    assert.ok(
      kernel
        .accumulator()
        .finish()
        .every((byte) => byte === 0),
    ); // in the same memory
  });

  test('refuses maps that do not fit, and names the bad element', async () => {
    const blob = blobs[0] as Uint8Array;
    const many = Array.from({ length: 65 }, () => blob);
    await assert.rejects(kernel.linearMap([many.map(() => 1n)], many), { code: 'invalid-argument' });
    await assert.rejects(kernel.linearMap([[1n, 2n]], [blob]), { code: 'invalid-argument' });
    await assert.rejects(kernel.linearMap([[1n]], [blob.subarray(32)]), { code: 'invalid-length' });
    await assert.rejects(kernel.linearMap([[1n, 1n]], [blob, blob.with(32 * 4095, 0xff)]), {
      code: 'non-canonical-element',
    });
  });

  test('combines commitments like mcl', async () => {
    const group = await Group.create(100);
    const cases: [bigint[], Uint8Array[]][] = [
      [[], []],
      [[5n], [points[0] as Uint8Array]],
      [[0n, 0n], points.slice(0, 2)],
      [[1n, -1n], [points[0], points[0]] as Uint8Array[]],
      [[7n, 7n, 7n], [points[0], INFINITY, points[0]] as Uint8Array[]],
      ...[1, 31, 128, 255].map((bits): [bigint[], Uint8Array[]] => [coefficients(points.length, bits), points]),
      [coefficients(300, 128), Array.from({ length: 300 }, (_, i) => points[i % points.length] as Uint8Array)],
    ];
    for (const [row, commitments] of cases) {
      const expected = group.combine(row, concat(...commitments));
      assert.equal(toHex(await kernel.combineCommitments(row, commitments)), toHex(expected));
    }
    const rows = [coefficients(24, 31), coefficients(24, 255), coefficients(24, 1)];
    const expected = rows.map((row) => toHex(group.combine(row, concat(...points))));
    assert.deepEqual((await kernel.combineCommitmentRows(rows, points)).map(toHex), expected);
  });

  for (const { name, bytes, reason } of MALFORMED) {
    test(`refuses ${name}, and says where`, async () => {
      const good = points[3] as Uint8Array;
      assert.deepEqual(await kernel.invalidCommitments([good, bytes, good]), [1]);
      const refusal = (error: Error & { type?: unknown }) => {
        assert.match(error.message, reason);
        assert.equal((error.type as { index: number }).index, 1);
        return true;
      };
      await assert.rejects(kernel.combineCommitments([1n, 1n], [good, bytes]), refusal);
      await assert.rejects(kernel.combineCommitments([1n, 0n], [good, bytes]), refusal);
    });
  }

  test('commitments of wrong lengths are invalid', async () => {
    const good = points[0] as Uint8Array;
    assert.deepEqual(await kernel.invalidCommitments([good.subarray(1), good, new Uint8Array(49)]), [0, 2]);
    await assert.rejects(kernel.combineCommitments([1n], [good.subarray(1)]), { code: 'invalid-commitment' });
    await assert.rejects(kernel.combineCommitments([1n, 2n], [good]), { code: 'invalid-argument' });
  });

  test('inputs in shared memory and inputs that are detached while they wait', async () => {
    const blob = blobs[0] as Uint8Array;
    const expected = toHex(await kernel.commit(blob));
    const shared = new Uint8Array(new SharedArrayBuffer(blob.length));
    shared.set(blob);
    assert.equal(toHex(await kernel.commit(shared)), expected);
    const doomed = Uint8Array.from(blob);
    const running = kernel.commit(doomed);
    structuredClone(doomed, { transfer: [doomed.buffer] });
    assert.equal(toHex(await running), expected);
  });

  test('the queue is bounded, and an abort drops what waits and what runs', async () => {
    const blob = blobs[0] as Uint8Array;
    const { kernel: narrow } = (await loadNativeKernel({ threads: 1, queueLimit: 1 })) as { kernel: typeof kernel };
    const abort = new AbortController();
    const running = narrow.commit(blob, abort.signal);
    const waiting = narrow.commit(blob, abort.signal);
    await assert.rejects(narrow.commit(blob), { code: 'queue-full' });
    const reason = new Error('enough');
    abort.abort(reason);
    await assert.rejects(running, reason);
    await assert.rejects(waiting, reason);
    assert.equal(narrow.queued, 0);
    assert.equal(toHex(await narrow.commit(blob)), toHex(await kernel.commit(blob)));
  });

  test('a kernel whose ways to combine disagree is found out', async () => {
    const bent = {
      accumulator: () => kernel.accumulator(),
      commit: (blob: Uint8Array) => kernel.commit(blob),
      linearMap: (rows: readonly (readonly bigint[])[], input: readonly Uint8Array[]) => kernel.linearMap(rows, input),
      combineCommitments: (row: readonly bigint[], input: readonly Uint8Array[]) =>
        kernel.combineCommitments(row, input),
    };
    assert.equal(await wrongCombination(bent), undefined);
    const other = points[0] as Uint8Array;
    assert.match((await wrongCombination({ ...bent, combineCommitments: async () => other })) ?? '', /commitments/);
    const wrongMap = async () => [blobs[0] as Uint8Array];
    assert.match((await wrongCombination({ ...bent, linearMap: wrongMap })) ?? '', /blobs/);
  });
});

test('a missing or corrupt binary is a reason, not an error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-binary-'));
  try {
    const corrupt = join(folder, 'corrupt.node');
    await writeFile(corrupt, 'not a program');
    assert.match(((await loadNativeKernel({ paths: [] })) as { unavailable: string }).unavailable, /not built/);
    const missing = await loadNativeKernel({ paths: [join(folder, 'missing.node')] });
    assert.match((missing as { unavailable: string }).unavailable, /not built/);
    const broken = await loadNativeKernel({ paths: [corrupt] });
    assert.match((broken as { unavailable: string }).unavailable, /does not load/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

const builds = addonPaths().map((path) => ({ path, binding: loadBinding([path]) }));

for (const { path, binding } of builds) {
  const name = basename(path);
  const skip = typeof binding === 'string' ? binding : withoutNative;
  test(`${name} computes what the other builds do, and opens and combines alike`, { skip }, async () => {
    const loaded = await loadNativeKernel({ threads: 1, paths: [path] });
    if ('unavailable' in loaded) assert.fail(loaded.unavailable);
    const { kernel } = loaded;
    const chosen = nativeKernel();
    const row = coefficients(blobs.length, 255);
    for (const blob of blobs) {
      assert.deepEqual(await kernel.commit(blob), await chosen.commit(blob));
      const z = blob.subarray(0, 32);
      assert.deepEqual(await kernel.open(blob, z), await chosen.open(blob, z));
    }
    assert.deepEqual(await kernel.linearMap([row], blobs), await chosen.linearMap([row], blobs));
  });
}

test('a build that does not work is followed by the next one', { skip: withoutNative }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-builds-'));
  try {
    const corrupt = join(folder, 'corrupt.node');
    await writeFile(corrupt, 'no shared object');
    const loaded = await loadNativeKernel({ threads: 1, paths: [corrupt, ...addonPaths()] });
    assert.ok('kernel' in loaded);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

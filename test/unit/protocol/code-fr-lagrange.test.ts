import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { toHex } from '../../../protocol/bytes.ts';
import { CodeError, STANDARD_PARAMETERS } from '../../../protocol/code.ts';
import { frLagrangeCode, lagrangeCoefficients, lagrangeRow } from '../../../protocol/codes/fr-lagrange.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { FR_MODULUS, frReduce } from '../../../protocol/field.ts';
import { sha256Hex, stream, vectorContent, vectors } from './content-vectors.ts';
import { referenceKernel } from './reference-kernel.ts';

const code = frLagrangeCode(referenceKernel);

describe('the vectors', () => {
  for (const [name, rows] of Object.entries(vectors.code.lambda)) {
    test(`lambda of ${name}`, () => {
      const k = Number(name.split('+')[0]);
      const computed = rows.map((_, j) => lagrangeRow(k, k + j).map(String));
      assert.deepEqual(computed, rows);
    });
  }

  test('parity shards and their commitments', async () => {
    const { k, m, parityShardSha256, commitments } = vectors.code;
    const parity = await code.encode(vectorContent().shards, k, m);
    assert.deepEqual(parity.map(sha256Hex), parityShardSha256);
    const data = commitments.slice(0, k).map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));
    const derived = await code.parityCommitments?.(data, k, m);
    assert.deepEqual(derived?.map(toHex), commitments.slice(k));
    for (let j = 0; j < m; j++) {
      const one = await code.parityCommitment?.(data, k, m, j);
      assert.equal(one && toHex(one), commitments[k + j]);
    }
    for (const j of [-1, m, 0.5]) await assert.rejects(async () => code.parityCommitment?.(data, k, m, j), CodeError);
  });
});

describe('coefficients', () => {
  test('of parity are short integers for every standard code: 31 bits for 16+8, 40 for 20+10', () => {
    const bits = STANDARD_PARAMETERS.map(({ k, m }) => {
      const all = Array.from({ length: m }, (_, j) => lagrangeRow(k, k + j)).flat();
      return Math.max(...all.map((value) => (value < 0n ? -value : value).toString(2).length));
    });
    assert.deepEqual(bits.slice(0, 2), [40, 31]);
    assert.equal(Math.max(...bits), 40);
  });

  test('any k of k+m values of a polynomial determine all the others', () => {
    const scalars = fc.bigInt({ min: 0n, max: FR_MODULUS - 1n });
    const cases = fc.tuple(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1, max: 24 })).chain(([k, m]) =>
      fc.record({
        k: fc.constant(k),
        m: fc.constant(m),
        data: fc.array(scalars, { minLength: k, maxLength: k }),
        nodes: fc.shuffledSubarray([...Array(k + m).keys()], { minLength: k, maxLength: k }),
      }),
    );
    fc.assert(
      fc.property(cases, ({ k, m, data, nodes }) => {
        const dot = (row: bigint[], values: bigint[]) =>
          frReduce(row.reduce((sum, c, i) => sum + c * (values[i] as bigint), 0n));
        const all = [...data, ...Array.from({ length: m }, (_, j) => dot(lagrangeRow(k, k + j), data))];
        const known = nodes.map((node) => all[node] as bigint);
        for (const [target, value] of all.entries()) {
          const row = lagrangeCoefficients(nodes, target);
          assert.ok(row.every((c) => c > -FR_MODULUS && c < FR_MODULUS));
          assert.equal(dot(row, known), value);
        }
      }),
      { numRuns: 25 },
    );
  });
});

/** Shards that differ in a few elements and are zero elsewhere, so that the definition is quick to compute. */
function sparse(label: string, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const shard = new Uint8Array(SHARD_BYTES);
    for (const element of [0, 1, 77, 4095]) {
      shard.set(stream(`${label}/${i}/${element}`, 31), element * 32 + 1);
    }
    return shard;
  });
}

describe('reconstruction', () => {
  test('from any k′ shards of whole and short stripes, data and parity alike', async () => {
    const cases = fc
      .tuple(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 1, max: 4 }))
      .chain(([k, m]) => fc.tuple(fc.constant(k), fc.constant(m), fc.integer({ min: 1, max: k })))
      .chain(([k, m, dataCount]) => {
        const stored = [...Array(k + m).keys()].filter((i) => i < dataCount || i >= k);
        return fc.record({
          k: fc.constant(k),
          m: fc.constant(m),
          dataCount: fc.constant(dataCount),
          given: fc.shuffledSubarray(stored, { minLength: dataCount }),
          want: fc.shuffledSubarray(stored),
        });
      });
    await fc.assert(
      fc.asyncProperty(cases, async ({ k, m, dataCount, given, want }) => {
        const data = sparse(`${k}+${m}`, dataCount);
        const parity = await code.encode(data, k, m);
        assert.equal(parity.length, m);
        const all = new Map([...data.entries(), ...parity.map((shard, j) => [k + j, shard] as const)]);
        const have = new Map(given.map((i) => [i, all.get(i) as Uint8Array]));
        const rebuilt = await code.reconstruct({ k, m, dataCount, have, want });
        assert.deepEqual(
          rebuilt.map(sha256Hex),
          want.map((i) => sha256Hex(all.get(i) as Uint8Array)),
        );
      }),
      { numRuns: 15 },
    );
  });

  test('a short stripe codes like one whose missing shards are zero', async () => {
    const data = sparse('short', 2);
    const zero = new Uint8Array(SHARD_BYTES);
    assert.deepEqual(await code.encode(data, 4, 2), await code.encode([...data, zero, zero], 4, 2));
  });

  test('what is there already is returned as it is, without arithmetic', async () => {
    const idle = frLagrangeCode({
      linearMap: () => Promise.reject(new Error('not needed')),
      combineCommitments: () => Promise.reject(new Error('not needed')),
    });
    const [a, b] = sparse('there', 2) as [Uint8Array, Uint8Array];
    const have = new Map([
      [0, a],
      [1, b],
    ]);
    const [first] = await idle.reconstruct({ k: 2, m: 1, dataCount: 2, have, want: [1] });
    assert.equal(first, b);
  });

  test('invalid requests are refused before the kernel is asked', async () => {
    const [a] = sparse('few', 1) as [Uint8Array];
    const request = { k: 2, m: 1, dataCount: 2, have: new Map([[0, a]]), want: [1] };
    const few = { code: 'not-enough-shards', needed: 2, present: 1 };
    await assert.rejects(code.reconstruct(request), { type: few });
    await assert.rejects(code.encode([], 2, 1), CodeError);
    await assert.rejects(code.encode([a], 1, 1), CodeError);
    await assert.rejects(async () => code.parityCommitments?.([], 2, 1), CodeError);
    await assert.rejects(async () => code.parityCommitments?.([a, a, a], 2, 1), CodeError);
  });
});

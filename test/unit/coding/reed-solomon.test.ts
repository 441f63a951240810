import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { ReedSolomon } from '../../../node/coding/reed-solomon.ts';
import { CodeError } from '../../../protocol/code.ts';
import { gf256Parity } from './gf256-reference.ts';

const kernel = new ReedSolomon();
after(() => kernel.stop());

/** A stripe of `columns` bytes per shard, data first, parity zero. */
function stripeOf(data: readonly (readonly number[])[], m: number): Uint8Array {
  const columns = data[0]?.length ?? 0;
  const stripe = new Uint8Array((data.length + m) * columns);
  for (const [i, row] of data.entries()) stripe.set(row, i * columns);
  return stripe;
}

const stripes = fc
  .record({
    k: fc.integer({ min: 1, max: 40 }),
    m: fc.integer({ min: 1, max: 24 }),
    columns: fc.integer({ min: 1, max: 5 }),
  })
  .chain(({ k, m, columns }) => {
    const row = fc.array(fc.nat(255), { minLength: columns, maxLength: columns });
    return fc.record({
      k: fc.constant(k),
      m: fc.constant(m),
      columns: fc.constant(columns),
      data: fc.array(row, { minLength: k, maxLength: k }),
      kept: fc.shuffledSubarray([...Array(k + m).keys()], { minLength: k }),
    });
  });

test('parity is the polynomial through the data, byte by byte', async () => {
  await fc.assert(
    fc.asyncProperty(stripes, async ({ k, m, columns, data }) => {
      const encoded = await kernel.encode(() => stripeOf(data, m), k, m);
      assert.equal(encoded.length, (k + m) * columns);
      for (let c = 0; c < columns; c++) {
        const column = Array.from({ length: k + m }, (_, i) => encoded[i * columns + c] as number);
        const bytes = data.map((row) => row[c] as number);
        assert.deepEqual(column, [...bytes, ...gf256Parity(bytes, m)]);
      }
    }),
    { numRuns: 25 },
  );
});

test('any k of k+m give back data, and parity when asked', async () => {
  await fc.assert(
    fc.asyncProperty(stripes, async ({ k, m, columns, data, kept }) => {
      const encoded = await kernel.encode(() => stripeOf(data, m), k, m);
      const present = Array.from({ length: k + m }, (_, i) => kept.includes(i));
      const damaged = () => {
        const stripe = encoded.slice();
        for (const [i, there] of present.entries()) if (!there) stripe.fill(0xee, i * columns, (i + 1) * columns);
        return stripe;
      };
      assert.deepEqual(await kernel.reconstruct(damaged, k, m, present, true), encoded);
      const dataOnly = await kernel.reconstruct(damaged, k, m, present, false);
      assert.deepEqual(dataOnly.subarray(0, k * columns), encoded.subarray(0, k * columns));
    }),
    { numRuns: 25 },
  );
});

test('what the library refuses is an error with its result, and later stripes work', async () => {
  const few = kernel.reconstruct(() => new Uint8Array(6), 4, 2, [true, true, true, false, false, false], false);
  await assert.rejects(few, { type: { code: 'kernel-failed', result: 10 } });
  assert.deepEqual([...(await kernel.encode(() => Uint8Array.of(7, 7, 0), 2, 1))], [7, 7, ...gf256Parity([7, 7], 1)]);
});

test('a stripe that cannot be made fails its caller alone', async () => {
  const boom = new Error('boom');
  const bad = kernel.encode(
    () => {
      throw boom;
    },
    2,
    1,
  );
  const good = kernel.encode(() => Uint8Array.of(1, 2, 0), 2, 1);
  await assert.rejects(bad, boom);
  assert.deepEqual((await good).subarray(2), Uint8Array.from(gf256Parity([1, 2], 1)));
});

describe('queue', () => {
  const stripe = (made: number[], n: number) => () => {
    made.push(n);
    return Uint8Array.of(n, n, 0);
  };

  test('two stripes are made ahead, the others when their turn comes, in order', async () => {
    const made: number[] = [];
    const jobs = [0, 1, 2, 3, 4].map((n) => kernel.encode(stripe(made, n), 2, 1));
    assert.deepEqual(made, [0, 1]);
    const results = await Promise.all(jobs);
    assert.deepEqual(made, [0, 1, 2, 3, 4]);
    assert.deepEqual(
      results.map((result) => result[0]),
      made,
    );
  });

  test('a full queue refuses', async () => {
    const small = new ReedSolomon({ maxWaiting: 1 });
    const jobs = [0, 1, 2].map((n) => small.encode(stripe([], n), 2, 1));
    await assert.rejects(small.encode(stripe([], 3), 2, 1), { type: { code: 'kernel-busy', waiting: 1 } });
    await Promise.all(jobs);
    await small.stop();
  });

  test('abort rejects with its reason, and what waited is never made', async () => {
    const made: number[] = [];
    const controller = new AbortController();
    const jobs = [0, 1, 2].map((n) => kernel.encode(stripe(made, n), 2, 1, controller.signal));
    const settled = Promise.allSettled(jobs);
    const reason = new Error('enough');
    controller.abort(reason);
    for (const result of await settled) assert.equal(result.status === 'rejected' && result.reason, reason);
    await assert.rejects(kernel.encode(stripe(made, 3), 2, 1, controller.signal), reason);
    await kernel.encode(stripe(made, 4), 2, 1);
    assert.deepEqual(made, [0, 1, 4]);
  });

  test('stop rejects what is under way and refuses more; start allows it again', async () => {
    const own = new ReedSolomon();
    const settled = Promise.allSettled([0, 1, 2].map((n) => own.encode(stripe([], n), 2, 1)));
    await own.stop();
    for (const result of await settled) {
      assert.ok(result.status === 'rejected' && result.reason instanceof CodeError);
      assert.equal(result.reason.code, 'kernel-stopped');
    }
    await assert.rejects(own.encode(stripe([], 3), 2, 1), { type: { code: 'kernel-stopped' } });
    await own.start();
    assert.equal((await own.encode(stripe([], 4), 2, 1))[0], 4);
    await own.stop();
    await own.stop();
  });
});

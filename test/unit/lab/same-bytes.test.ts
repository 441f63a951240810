import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sameBytes } from '../../../node/lab/same-bytes.ts';

/** A stream that tells whether it was read to its end and whether it was let go. */
function stream(bytes: Uint8Array, sizes: readonly number[]) {
  const state = { ended: false, closed: false };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      let at = 0;
      for (let i = 0; at < bytes.length; i++) {
        const size = sizes[i % sizes.length] as number;
        yield bytes.subarray(at, at + size);
        at += size;
      }
      state.ended = true;
    } finally {
      state.closed = true;
    }
  }
  return { state, chunks: chunks() };
}

const sizes = fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 6 }).filter((list) => list.some((n) => n > 0));

test('streams are compared byte by byte, however they are cut', async () => {
  const cases = fc.record({
    a: fc.uint8Array({ maxLength: 60 }),
    b: fc.uint8Array({ maxLength: 60 }),
    sizes,
    others: sizes,
  });
  const same = fc.record({ a: fc.uint8Array({ maxLength: 60 }), sizes, others: sizes });
  await fc.assert(
    fc.asyncProperty(cases, async ({ a, b, sizes, others }) => {
      const found = await sameBytes(stream(a, sizes).chunks, stream(b, others).chunks);
      const shorter = Math.min(a.length, b.length);
      let at = 0;
      while (at < shorter && a[at] === b[at]) at++;
      const expected = Buffer.compare(a, b) === 0 ? { identical: true, bytes: a.length } : { identical: false, at };
      assert.deepEqual(found, expected);
    }),
  );
  await fc.assert(
    fc.asyncProperty(same, async ({ a, sizes, others }) => {
      const progress: number[] = [];
      const found = await sameBytes(stream(a, sizes).chunks, stream(a, others).chunks, (bytes) => progress.push(bytes));
      assert.deepEqual(found, { identical: true, bytes: a.length });
      assert.equal(progress.at(-1) ?? 0, a.length);
    }),
  );
});

test('one bit, a missing end and a surplus are differences; the expected stream is read to its end', async () => {
  const bytes = new Uint8Array(1000).fill(7);
  const altered = bytes.slice();
  altered[500] = 6;
  for (const [actual, at] of [
    [altered, 500],
    [bytes.subarray(0, 999), 999],
    [new Uint8Array(0), 0],
  ] as const) {
    const a = stream(actual, [64]);
    const b = stream(bytes, [100]);
    assert.deepEqual(await sameBytes(a.chunks, b.chunks), { identical: false, at });
    assert.ok(b.state.ended, 'a source that watches itself can say that it changed');
    assert.ok(a.state.closed);
  }
  const surplus = await sameBytes(stream(bytes, [64]).chunks, stream(bytes.subarray(0, 640), [64]).chunks);
  assert.deepEqual(surplus, { identical: false, at: 640 });
});

test('a failure of either stream is the failure of the comparison, and the other one is let go', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(10);
    throw new Error('broken');
  }
  const left = stream(new Uint8Array(100), [10]);
  await assert.rejects(sameBytes(left.chunks, broken()), { message: 'broken' });
  assert.ok(left.state.closed);
  const right = stream(new Uint8Array(100), [10]);
  await assert.rejects(sameBytes(broken(), right.chunks), { message: 'broken' });
  assert.ok(right.state.closed);
});

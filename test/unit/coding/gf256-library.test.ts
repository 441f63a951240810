import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gf256Library } from '../../../node/coding/gf256-library.ts';
import { PAYLOAD_BYTES } from '../../../protocol/constants.ts';
import { stream } from '../protocol/content-vectors.ts';

/** An encoded stripe and the flags of its last k parts. */
function encoded(library: Gf256Library, k: number, m: number, part: number, label: string) {
  const stripe = new Uint8Array((k + m) * part);
  stripe.set(stream(label, k * part));
  assert.equal(library.encode(stripe, k, m), 0);
  return { stripe, present: Array.from({ length: k + m }, (_, i) => i >= m) };
}

function rebuild(library: Gf256Library, k: number, m: number, part: number, label: string): void {
  const { stripe, present } = encoded(library, k, m, part, label);
  const damaged = stripe.slice();
  damaged.fill(0xee, 0, Math.min(k, m) * part);
  assert.equal(library.reconstruct(damaged, k, m, present), 0);
  assert.equal(Buffer.compare(damaged, stripe), 0, label);
}

test('one instance works through thousands of stripes of mixed shapes in little memory', () => {
  // The wrapper of the package fails here at the second stripe: it frees the flags twice.
  const library = new Gf256Library();
  assert.equal(library.memoryBytes, 0);
  for (let n = 0; n < 3000; n++) rebuild(library, 1 + (n % 20), 1 + (n % 10), 1 + (n % 9), `stripe ${n}`);
  assert.ok(library.memoryBytes > 0 && library.memoryBytes < 8 * 2 ** 20, String(library.memoryBytes));
});

test('whole stripes of 126,976 bytes, the widest included, in bounded memory', () => {
  const library = new Gf256Library();
  for (const [k, m] of [
    [4, 2],
    [16, 8],
    [4, 2],
    [43, 21],
    [2, 1],
  ] as const) {
    rebuild(library, k, m, PAYLOAD_BYTES, `${k}+${m}`);
    assert.ok(library.memoryBytes <= 24 * 2 ** 20, String(library.memoryBytes));
  }
});

test('a trap costs the instance, not the library', () => {
  const library = new Gf256Library();
  // No parity: the library panics, which is a trap.
  assert.throws(() => library.encode(new Uint8Array(4), 4, 0), { name: 'RuntimeError' });
  rebuild(library, 4, 2, 10, 'after the trap');
});

test('what cannot be rebuilt is an error that changes nothing', () => {
  const library = new Gf256Library();
  const { stripe } = encoded(library, 4, 2, 10, 'refused');
  const before = stripe.slice();
  const RESULT_ERROR_TOO_FEW_SHARDS_PRESENT = 10;
  assert.equal(
    library.reconstruct(stripe, 4, 2, [true, true, true, false, false, false]),
    RESULT_ERROR_TOO_FEW_SHARDS_PRESENT,
  );
  assert.deepEqual(stripe, before);
});

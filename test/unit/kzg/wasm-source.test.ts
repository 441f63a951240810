import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { baseFieldConstants } from '../../../scripts/base-field-constants.ts';
import { fieldConstants } from '../../../scripts/field-constants.ts';
import { SOURCE_HASH_SECTION, wasmSourceHash } from '../../../scripts/wasm-source-hash.ts';

const root = join(import.meta.dirname, '../../..');
const source = join(root, 'native');

for (const binary of ['node/kzg/field-kernel.wasm', 'node/kzg/wasm/commitment-kernel.wasm']) {
  test(`the committed ${binary} carries the hash of the committed C source`, () => {
    const bytes = readFileSync(join(root, binary));
    const name = Buffer.from(SOURCE_HASH_SECTION);
    const at = bytes.indexOf(name);
    assert.notEqual(at, -1, 'rebuild with scripts/build-wasm.sh');
    const hash = bytes.subarray(at + name.length).toString('hex');
    assert.equal(hash, Buffer.from(wasmSourceHash(source)).toString('hex'), 'run scripts/build-wasm.sh');
  });
}

test('the constants of the C source are what r, p and the limb sizes give', () => {
  assert.equal(readFileSync(join(source, 'field/constants.c'), 'utf8'), fieldConstants());
  assert.equal(readFileSync(join(source, 'group/fp-constants.c'), 'utf8'), baseFieldConstants());
});

test('the sums of folding constants stay within what the proof of `reduce` uses', () => {
  const modulus = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
  for (const { bits, limbs, bound } of [
    { bits: 51, limbs: 5, bound: 0.94 },
    { bits: 26, limbs: 10, bound: 3.27 },
  ]) {
    let sum = 0;
    for (let p = limbs; p < 2 * limbs; p++) {
      const power = (1n << BigInt(bits * p)) % modulus;
      const magnitude = power > modulus / 2n ? modulus - power : power;
      sum += Number((magnitude << 40n) / modulus) * 2 ** -40;
    }
    assert.ok(sum < bound, `${bits} bits: ${sum}`);
  }
});

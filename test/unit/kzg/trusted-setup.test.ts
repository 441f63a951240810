import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { G2_GENERATOR, G2_SECRET } from '../../../node/kzg/trusted-setup/g2-points.ts';
import { trustedSetupPoints } from '../../../node/kzg/trusted-setup/trusted-setup.ts';
import { withoutLibrary } from '../../helpers/libraries.ts';

const ELEMENTS = 4096;
const LOG_ELEMENTS = 12;

function reverseBits(index: number): number {
  let reversed = 0;
  for (let bit = 0; bit < LOG_ELEMENTS; bit++) reversed |= ((index >> bit) & 1) << (LOG_ELEMENTS - 1 - bit);
  return reversed;
}

test('the points are those of the file that c-kzg ships', { skip: withoutLibrary('c-kzg') }, async () => {
  const library = join(createRequire(import.meta.url).resolve('c-kzg/package.json'), '..');
  const [g1, g2, ...lines] = readFileSync(join(library, 'deps/c-kzg/trusted_setup.txt'), 'utf8').split('\n');
  assert.deepEqual([g1, g2], [`${ELEMENTS}`, '65']);
  const points = await trustedSetupPoints();
  assert.equal(points.length, ELEMENTS * 48);
  for (let i = 0; i < ELEMENTS; i++) {
    const at = 48 * reverseBits(i);
    assert.equal(Buffer.from(points.subarray(at, at + 48)).toString('hex'), lines[i]);
  }
  assert.deepEqual([G2_GENERATOR, G2_SECRET], lines.slice(ELEMENTS, ELEMENTS + 2));
});

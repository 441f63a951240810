import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KzgError } from '../../../node/kzg/engine.ts';
import { pairingHolds } from '../../../node/kzg/pairing-check.ts';
import { answer, kernel, library, NEVER, nameOf, started } from './engine-fixture.ts';

const bytes = new Uint8Array(1);
const pairing = { commitments: [answer('point')], coefficients: [1n], z: bytes, y: bytes, proof: bytes };

const noPoint = () => {
  throw new KzgError({ code: 'invalid-commitment', index: 0, reason: 'no point' }, 'no point');
};
/** Takes what it combined itself for the right sum, anything else for no point. */
const strict = library({ verify: async (sum) => nameOf(sum) === 'library' || noPoint() });

test('a combination that is no point is made again by the library, and the kernel dropped', async () => {
  const bent = kernel('bent', { combineCommitments: async () => answer('flipped') });
  const { engine, dropped } = await started([bent], { library: strict, random: NEVER });
  assert.equal(await pairingHolds(engine, pairing), true);
  assert.deepEqual(dropped, ['bent: a result differs from that of the library']);
});

test('a commitment that is no point is told as such', async () => {
  const refusing = library({ combineCommitments: async () => noPoint() });
  const { engine, dropped } = await started([], { library: refusing });
  await assert.rejects(pairingHolds(engine, pairing), { code: 'invalid-commitment' });
  assert.deepEqual(dropped, []);
});

test('a combination of the library that is no point is an error, not a wrong proof', async () => {
  const { engine } = await started([], { library: library({ verify: async () => noPoint() }) });
  await assert.rejects(pairingHolds(engine, pairing), { code: 'invalid-commitment' });
});

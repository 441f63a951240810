import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditor, failing, prover, selectionOf, signedAnswer } from './sample-auditor.ts';

test('holders that call a challenge stale have not answered, unless they are most of those asked lately', async () => {
  let stale = true;
  const refused = { code: 'refused-not-allowed', fault: { code: 'stale', message: 'm' } } as const;
  const { made, warnings, clock } = auditor((request) => (stale ? failing(refused)() : signedAnswer(request)));
  const ask = async (peer: string) => (await made.audit({ ...prover, peer }, selectionOf(2))).outcome.kind;
  // Two that collude, however often they say so.
  const two = [await ask('a'), await ask('b'), await ask('a'), await ask('b')];
  assert.deepEqual(new Set(two), new Set(['timed-out']));
  assert.equal(await ask('c'), 'auditor-fault');
  assert.equal(warnings.length, 5);
  stale = false;
  for (const peer of ['d', 'e', 'f']) assert.equal(await ask(peer), 'passed');
  stale = true;
  assert.equal(await ask('a'), 'timed-out');
  await clock.advance(6 * 3_600_000 + 1);
  for (const peer of ['a', 'b']) assert.equal(await ask(peer), 'timed-out');
  assert.equal(await ask('c'), 'auditor-fault');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonOf, startApi } from './api-fixture.ts';

const ROOT = `bafyrei${'a'.repeat(52)}`;

test('repairs are listed as they stand', async (t) => {
  const { call, services } = await startApi(t);
  services.overview = { ...services.overview, alarms: [{ root: ROOT, segment: 2, stripes: 1 }] };
  assert.deepEqual(jsonOf(await call('/v1/repairs')), services.overview);
});

test('a repair is run of one file or of all, and refused for what is no file', async (t) => {
  const { call, services } = await startApi(t);
  const post = (body: unknown) =>
    call('/v1/repairs/run', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  assert.equal(jsonOf(await post({ root: ROOT })).repairs[0].outcome, 'done');
  assert.equal((await post({})).status, 200);
  assert.deepEqual(services.repaired, [ROOT, undefined]);
  assert.equal((await post({ root: 'nonsense' })).status, 400);
  assert.equal((await post({ unknown: 1 })).status, 400);
});

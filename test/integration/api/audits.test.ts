import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonOf, startApi } from './api-fixture.ts';

const PEER = '12D3KooWA';
const entry = (n: number) => ({
  id: n.toString(16).padStart(64, '0'),
  at: 1000 - n,
  peer: PEER,
  role: 'auditor' as const,
  outcome: 'passed',
  final: true,
  shards: n,
  milliseconds: 0.5,
  receipt: true,
});

test('past audits come in pages, one by one, and as files', async (t) => {
  const { call, services } = await startApi(t);
  services.auditEntries = [1, 2, 3].map(entry);
  const first = jsonOf(await call('/v1/audits?limit=2'));
  assert.deepEqual(first, { audits: [entry(1), entry(2)], next: `998-${entry(2).id}` });
  assert.deepEqual(jsonOf(await call(`/v1/audits?limit=2&before=${first.next}`)), { audits: [entry(3)] });
  assert.deepEqual(jsonOf(await call('/v1/audits?peer=nobody')), { audits: [] });
  const { id } = entry(3);
  const shown = jsonOf(await call(`/v1/audits/${id}`));
  assert.deepEqual(shown, { ...entry(3), parts: [{ root: 'bafyroot', segment: 'bafysegment', shards: 6 }] });
  services.receiptFile = Uint8Array.of(1, 2, 255);
  const file = await call(`/v1/receipts/${id}?manifest=false`);
  assert.equal(file.headers['content-type'], 'application/vnd.ipld.dag-cbor');
  assert.deepEqual(new Uint8Array(file.body), services.receiptFile);
  assert.deepEqual(services.receiptsAsked, [[id, false]]);
  const { holders } = jsonOf(await call('/v1/audits/schedule')) as unknown as { holders: unknown };
  assert.deepEqual(holders, await services.auditHistory.schedule());
});

test('what is no audit is refused with a code', async (t) => {
  const { call } = await startApi(t);
  const cases = [
    [`/v1/audits/${'0'.repeat(64)}`, 404, 'unknown-audit'],
    [`/v1/receipts/${'0'.repeat(64)}`, 404, 'unknown-audit'],
    ['/v1/audits/short', 400, 'invalid-request'],
    ['/v1/receipts/..%2f', 400, 'invalid-request'],
    ['/v1/audits?limit=0', 400, 'invalid-request'],
    ['/v1/audits?limit=1001', 400, 'invalid-request'],
    ['/v1/audits?before=yesterday', 400, 'invalid-request'],
    [`/v1/audits?peer=${'x'.repeat(65)}`, 400, 'invalid-request'],
  ] as const;
  for (const [path, status, code] of cases) {
    const answer = await call(path);
    assert.deepEqual([answer.status, jsonOf(answer).code], [status, code], path);
  }
});

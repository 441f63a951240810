import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CandidateReport } from '../../../node/kzg/operations.ts';
import { createNodeService, type NodeServiceDeps } from '../../../node/services/node-service.ts';

function service(candidates: readonly CandidateReport[]) {
  const operations = [{ operation: 'commit' as const, backend: 'wasm', candidates }];
  const deps = {
    version: '1.0.0',
    networkName: 'test',
    clock: { now: () => 5 },
    host: { peerId: 'p', publicKey: Uint8Array.of(1), addresses: () => ['/ip4/1.2.3.4/tcp/1'], connected: () => ['q'] },
    engine: { backend: 'wasm, verified by c-kzg', threads: 2, operations: () => operations },
    stores: {
      catalog: { async *list() {} },
      databases: {},
      shards: { usage: () => ({ freeBytes: 1, capacityBytes: 2 }) },
    },
    isRunning: () => true,
    requestShutdown: () => undefined,
  } as unknown as NodeServiceDeps;
  return createNodeService(deps);
}

const used: CandidateReport = { backend: 'wasm', state: 'used', detail: 'used', ms: 29 };

test('the node says which backend does what', async () => {
  assert.deepEqual((await service([used]).describe()).kzg, {
    backend: 'wasm, verified by c-kzg',
    threads: 2,
    operations: [{ operation: 'commit', backend: 'wasm', candidates: [used] }],
  });
});

test('a backend that failed is a reason to look', async () => {
  const dropped: CandidateReport = { backend: 'native', state: 'dropped', detail: 'it does not answer any more' };
  const proofs = async (candidates: readonly CandidateReport[]) =>
    (await service(candidates).health()).find(({ component }) => component === 'proofs');
  assert.deepEqual(await proofs([used]), { component: 'proofs', ok: true, detail: 'wasm, verified by c-kzg' });
  assert.deepEqual(await proofs([dropped, used]), {
    component: 'proofs',
    ok: false,
    detail: 'wasm, verified by c-kzg; native failed and is used no more: it does not answer any more',
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CandidateReport } from '../../../node/kzg/operations.ts';
import { createNodeService, type NodeServiceDeps } from '../../../node/services/node-service.ts';
import { DamagedRecords } from '../../../node/store/damaged-records.ts';
import { StoreError } from '../../../node/store/errors.ts';

const PROOFS = {
  proofs: 3,
  repeated: 1,
  declaredLost: 0,
  refusals: { 'busy-until': 2 },
  bytesRead: 5,
  running: 1,
  waiting: 0,
};

interface Changed {
  readonly damagedRecords?: DamagedRecords;
  readonly freeBytes?: number;
  readonly hasRoom?: boolean;
}

function service(candidates: readonly CandidateReport[], changed: Changed = {}) {
  const { damagedRecords = new DamagedRecords(), freeBytes = 1_000_000, hasRoom = true } = changed;
  const operations = [{ operation: 'commit' as const, backend: 'wasm', candidates }];
  const deps = {
    version: '1.0.0',
    networkName: 'test',
    clock: { now: () => 5 },
    host: { peerId: 'p', publicKey: Uint8Array.of(1), addresses: () => ['/ip4/1.2.3.4/tcp/1'], connected: () => ['q'] },
    engine: { backend: 'wasm, verified by c-kzg', threads: 2, operations: () => operations },
    stores: {
      catalog: { async *list() {} },
      damagedRecords,
      databases: {},
      shards: { usage: () => ({ freeBytes, capacityBytes: 2_000_000 }) },
      disk: { hasRoom: async () => hasRoom },
    },
    proofs: () => PROOFS,
    badAnswers: () => ({ late: 2 }),
    isRunning: () => true,
    isLeaving: () => false,
    repairAlarms: () => [{ root: 'a' }, { root: 'a' }, { root: 'b' }],
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

test('files that cannot be rebuilt are counted once, and are no fault of the node', async () => {
  assert.equal((await service([used]).describe()).repairAlarms, 2);
  assert.ok((await service([used]).health()).every(({ ok }) => ok));
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

test('records that were passed over are counted, each once', async () => {
  const damaged = new DamagedRecords();
  const reason = async () =>
    (await service([used], { damagedRecords: damaged }).health()).find(({ component }) => component === 'records');
  assert.deepEqual(await reason(), { component: 'records', ok: true, detail: 'no damage met' });
  for (const n of [1, 2, 1])
    damaged.note(new StoreError({ code: 'damaged-record', table: 'audit', key: Uint8Array.of(n) }));
  damaged.note(new StoreError({ code: 'damaged-record', table: 'peer', key: Uint8Array.of(1) }));
  const detail = 'damaged and passed over: 2 of audit, 1 of peer';
  assert.deepEqual(await reason(), { component: 'records', ok: false, detail });
});

test('what became of challenges is told, and is no fault', async () => {
  const node = service([used]);
  assert.deepEqual((await node.describe()).audits, { ...PROOFS, badAnswers: { late: 2 } });
  const detail = '3 proofs given, 1 again, 2 refused, 1 running, 0 waiting';
  const found = (await node.health()).find(({ component }) => component === 'audits');
  assert.deepEqual(found, { component: 'audits', ok: true, detail });
});

test('a node that can take no shard says so: its capacity is used up, or its disk is', async () => {
  const bad = async (changed: Changed) =>
    (await service([used], changed).health()).filter(({ ok }) => !ok).map(({ component }) => component);
  assert.deepEqual(await bad({ freeBytes: 131_072 }), []);
  assert.deepEqual(await bad({ freeBytes: 131_071 }), ['space']);
  assert.deepEqual(await bad({ freeBytes: 0 }), ['space']);
  assert.deepEqual(await bad({ hasRoom: false }), ['disk']);
});

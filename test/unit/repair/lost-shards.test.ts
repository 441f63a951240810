import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ShardName } from '../../../node/audit/outcome.ts';
import type { Selection } from '../../../node/audit/selection.ts';
import { shardFindings } from '../../../node/audit/shard-findings.ts';
import { keyFromPeerId, peerIdFromKey } from '../../../node/network/peer-key.ts';
import { HolderRates } from '../../../node/repair/holder-rates.ts';
import { LostShards } from '../../../node/repair/lost-shards.ts';
import type { HolderRecord } from '../../../node/store/holder-failure-store.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { MemoryLosses } from '../../helpers/repair-bench.ts';
import { sha256 } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf } from '../../helpers/store-home.ts';

const root = cidOf('root');
const segment = cidOf('segment');
const peer = peerIdFromKey(signerOf('holder').publicKey);
const shard = (index: number): ShardName => ({ root, segment, index, id: sha256(Uint8Array.of(index)) });
const selection = {
  ids: [0, 1, 2].map((index) => shard(index).id),
  name: (ids: readonly Uint8Array[]) =>
    [0, 1, 2].map(shard).filter(({ id }) => ids.some((one) => toHex(one) === toHex(id))),
} as unknown as Selection;

test('what a holder declares is lost until it proves it', async () => {
  const told: string[] = [];
  const store = new MemoryLosses();
  const restored: string[] = [];
  const deps = {
    store,
    clock: new ManualClock(),
    onLost: (who: string, cid: unknown) => told.push(`${who} ${cid}`),
    onRestored: async (_: string, ids: readonly Uint8Array[]) => void restored.push(...ids.map(toHex)),
  };
  const lost = new LostShards(deps);
  const indices = async () => [...(await lost.of(peer, segment)).keys()];
  const found = async (outcome: Parameters<typeof shardFindings>[1]) => {
    const findings = shardFindings(peer, outcome, selection);
    assert.ok(findings !== undefined);
    await lost.found(findings);
  };
  await found({ kind: 'not-held', missing: [shard(0), shard(1), shard(2)] });
  assert.deepEqual(await indices(), [0, 1, 2]);
  assert.deepEqual(told, [`${peer} ${root}`]);
  assert.deepEqual(restored, []);
  // The others of the set were proved.
  await found({ kind: 'declared-lost', missing: [shard(1)] });
  assert.deepEqual(await indices(), [1]);
  assert.deepEqual(
    restored.splice(0),
    [shard(0), shard(2)].map(({ id }) => toHex(id)),
  );
  await lost.restored(peer, [shard(0), shard(1)]);
  assert.deepEqual(restored.splice(0), [toHex(shard(1).id)]);
  await lost.lost(peer, [shard(2)], 'garbage');
  // As after a restart.
  const again = new LostShards(deps);
  await again.start();
  assert.equal((await again.of(peer, segment)).get(2)?.why, 'garbage');
  await found({ kind: 'passed' });
  assert.deepEqual(await indices(), []);
  assert.deepEqual(restored, [toHex(shard(2).id)]);
});

test('of a holder that has everything again nothing is looked up any more', async () => {
  const store = new MemoryLosses();
  let looks = 0;
  const lost = new LostShards({
    store: {
      put: store.put.bind(store),
      has: store.has.bind(store),
      remove: store.remove.bind(store),
      holders: store.holders.bind(store),
      async of(holder, about) {
        looks++;
        return store.of(holder, about);
      },
    },
    clock: new ManualClock(),
    onLost: () => undefined,
    onRestored: async () => undefined,
  });
  const looksFor = async () => {
    looks = 0;
    await lost.of(peer, segment);
    return looks;
  };
  const other = cidOf('another segment');
  await lost.lost(peer, [shard(0), { root, segment: other, index: 1 }], 'declared');
  await lost.restored(peer, [shard(0)]);
  assert.equal(await looksFor(), 1);
  await lost.forget(keyFromPeerId(peer), other);
  assert.equal(await looksFor(), 0);
  // One that is lost while others are had again is not missed.
  await Promise.all([lost.forget(keyFromPeerId(peer), other), lost.lost(peer, [shard(2)], 'declared')]);
  assert.equal((await lost.of(peer, segment)).size, 1);
});

test('silence and busy holders say nothing about shards', () => {
  for (const outcome of [
    { kind: 'timed-out', reason: '' },
    { kind: 'unreachable', reason: '' },
    { kind: 'refused-busy', until: 5 },
    { kind: 'invalid-proof' },
    { kind: 'auditor-fault', reason: '' },
  ] as const) {
    assert.equal(shardFindings(peer, outcome, selection), undefined, outcome.kind);
  }
});

test('a holder that fails is expected to fail again; many shards found lost at once are one failure', async () => {
  const clock = new ManualClock();
  const records = new Map<string, HolderRecord>();
  const store = {
    get: async (key: Uint8Array) => records.get(toHex(key)),
    put: async (key: Uint8Array, record: HolderRecord) => void records.set(toHex(key), record),
  };
  const rates = new HolderRates({ store, clock });
  const unknown = await rates.rateOf(peer);
  await rates.watch([peer]);
  assert.equal(await rates.rateOf(peer), unknown);
  await clock.advance(100 * 86_400_000);
  const proven = await rates.rateOf(peer);
  assert.ok(proven < unknown);
  for (let i = 0; i < 5; i++) await rates.failed(peer);
  assert.equal(records.get(toHex(signerOf('holder').publicKey))?.failures, 1);
  assert.ok((await rates.rateOf(peer)) > proven);
  // Watched from then on, whoever asks.
  await new HolderRates({ store, clock }).watch([peer]);
  assert.equal(records.get(toHex(signerOf('holder').publicKey))?.failures, 1);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { createSelectionService, type SelectionDeps } from '../../../node/services/selection-service.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import type { Root } from '../../../protocol/manifest.ts';
import { candidate, placementOf } from '../../helpers/candidates.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf } from '../../helpers/store-home.ts';

const keys = ['a', 'b', 'c', 'd', 'e'].map((name) => signerOf(name).publicKey);
const [A = '', B = '', C = '', D = '', GONE = ''] = keys.map(peerIdFromKey);
const ROOT = cidOf('root');
const { signal } = new AbortController();

/** Two stripes of 2+1, held by A, B and one that is gone. */
function serviceOver(changes: Partial<SelectionDeps> = {}) {
  const large = { free: 10 * SHARD_BYTES, vetted: true };
  const candidates = [
    candidate(A, { ...large, subnet: 'x' }),
    candidate(B, { ...large, subnet: 'y', online: false }),
    candidate(C, { ...large, subnet: 'x', region: '', declaredRegion: 'eu' }),
    candidate(D, { ...large, free: SHARD_BYTES, subnet: 'z' }),
  ];
  const root = { payload: 'packed31', size: 4 * 126_960, code: { id: 1, k: 2, m: 1 }, segments: [cidOf('segment')] };
  return createSelectionService({
    self: 'self',
    strategy: 'hybrid',
    peers: { list: async () => [{ peer: A, connected: true, addresses: [] }] },
    bans: {
      ban: async (peer) => ({ peer, at: 1 }),
      unban: async () => false,
      get: (peer) => (peer === GONE ? { peer, at: 1 } : undefined),
      list: () => [],
    },
    placement: placementOf(candidates),
    regions: { fastest: (peer) => (peer === A ? 4 : undefined) },
    locator: { root: async () => root as unknown as Root },
    receipts: {
      async *scan() {
        for (const holder of [keys[0], keys[1], keys[4]]) yield { holder } as never;
      },
    },
    ...changes,
  });
}

test('holders come first, also those that are away; others with what keeps them from being drawn', async () => {
  const { peers, ...file } = await serviceOver().explain(ROOT.toString(), 0, signal);
  const bytesEach = 2 * SHARD_BYTES;
  assert.deepEqual(file, { root: ROOT.toString(), segment: 0, segments: 1, strategy: 'hybrid', width: 3, bytesEach });
  assert.deepEqual(Object.fromEntries(peers.map(({ peer, verdict, reasons }) => [peer, [verdict, ...reasons]])), {
    [A]: ['holder'],
    [B]: ['holder', 'offline'],
    [GONE]: ['holder', 'no-advert'],
    [C]: ['crowded', 'subnet-taken'],
    [D]: ['ineligible', 'no-space'],
  });
  assert.deepEqual(
    peers.slice(0, 3).map(({ verdict }) => verdict),
    ['holder', 'holder', 'holder'],
  );
  const { standing, chance } = peers.find(({ peer }) => peer === C) ?? {};
  assert.deepEqual([standing?.region, standing?.regionDoubted, chance], ['eu', true, 0.5]);
});

test('a file whose holders are not known here, or that has no such segment, is refused', async () => {
  const nobody = serviceOver({ receipts: { async *scan() {} } });
  await assert.rejects(nobody.explain(ROOT.toString(), 0, signal), { code: 'not-in-catalog' });
  await assert.rejects(serviceOver().explain(ROOT.toString(), 1, signal), { code: 'invalid-request' });
  await assert.rejects(serviceOver().explain('nonsense', 0, signal), { code: 'invalid-request' });
});

test('a peer is shown with what is known of it; one that is banned also when nothing is', async () => {
  const service = serviceOver();
  const { standing, ...shown } = await service.show(A);
  assert.deepEqual(shown, { peer: A, connected: true, addresses: [], fastestMs: 4, reasons: [] });
  assert.equal(standing?.subnet, 'x');
  const gone = { peer: GONE, connected: false, addresses: [], reasons: ['no-advert'], ban: { peer: GONE, at: 1 } };
  assert.deepEqual(await service.show(GONE), gone);
  await assert.rejects(service.show(peerIdFromKey(signerOf('stranger').publicKey)), { code: 'unknown-peer' });
  await assert.rejects(service.show('nonsense'), { code: 'invalid-request' });
});

test('only peers are banned, and not this node', async () => {
  const service = serviceOver({ self: A });
  assert.deepEqual(await service.ban(B, { seconds: 1 }), { peer: B, at: 1 });
  await assert.rejects(service.ban(A, {}), { code: 'invalid-request' });
  await assert.rejects(service.ban('nonsense', {}), { code: 'invalid-request' });
  await assert.rejects(service.unban(B), { code: 'not-banned' });
});

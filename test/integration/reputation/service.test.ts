import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ReputationChange } from '../../../node/reputation/change.ts';
import { EVIDENCE_AGE_MS, ReputationService } from '../../../node/reputation/reputation.ts';
import { META_NAMESPACES, type MetaNamespace } from '../../../node/store/meta-namespaces.ts';
import { type ReceivedEvidence, ReceivedEvidenceStore } from '../../../node/store/received-evidence-store.ts';
import type { Stores } from '../../../node/store/stores.ts';
import { signStageClaim } from '../../../protocol/stage-claim.ts';
import type { ManualClock } from '../../helpers/manual-clock.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf, openTestStores, uploadId } from '../../helpers/store-home.ts';
import { DAY, HOUR, POLICY } from '../../unit/reputation/policy-fixture.ts';

const ANNA = signerOf('anna');

type Opened = Stores & { readonly home: string; readonly clock: ManualClock };

async function serviceOn(stores: Opened, more: { maxPeers?: number; keep?: number; holders?: string[] } = {}) {
  const told: ReputationChange[] = [];
  const kept: ReceivedEvidence[] = [];
  const { keep, holders = [], ...options } = more;
  const evidence =
    keep === undefined
      ? stores.receivedEvidence
      : new ReceivedEvidenceStore({ database: stores.databases.meta, onDamaged: () => {} }, keep);
  const service = new ReputationService({
    clock: stores.clock,
    policy: POLICY,
    store: stores.reputation,
    evidence,
    holds: async (peer) => holders.includes(peer),
    onChange: (_, change) => void told.push(change),
    onEvidence: (found) => void kept.push(found),
    ...options,
  });
  await service.start();
  return { service, told, kept, evidence };
}

const open = (t: TestContext): Promise<Opened> => openTestStores(t);

function evidenceOf(stores: Opened, accused: string, segment: string, challengedAt = stores.clock.now()) {
  return {
    accused,
    segment: cidOf(segment),
    auditor: 'auditor',
    challengedAt,
    at: stores.clock.now(),
    own: false,
    audit: `${accused} ${segment}`,
    bundle: Uint8Array.of(1, 2, 3),
  };
}

const observation = (stores: Opened, peer: string, outcome: 'passed' | 'invalid-proof' | 'timed-out', audit = '') => ({
  peer,
  at: stores.clock.now(),
  outcome,
  shards: 7,
  ...(audit === '' ? {} : { audit }),
});

const logOf = (stores: Opened, peer: string) => Array.fromAsync(stores.reputation.changes(peer));

async function rows(stores: Opened, namespace: MetaNamespace): Promise<number> {
  const n = META_NAMESPACES[namespace];
  const { entries } = await stores.databases.meta.page({ gte: Uint8Array.of(n), lt: Uint8Array.of(n + 1) });
  return entries.length;
}

test('standings and their log survive a restart, and an audit that is told again counts once', async (t) => {
  const stores = await open(t);
  const { service } = await serviceOn(stores);
  await service.observe(observation(stores, 'anna', 'passed', 'a1'));
  await stores.clock.advance(DAY);
  await service.observe({ ...observation(stores, 'anna', 'invalid-proof', 'a2'), detail: 'why' });
  const before = service.standingOf('anna');
  assert.deepEqual([before.integrity, before.integrityFailedAt], [0.31, stores.clock.now()]);
  await service.stop();
  await stores.close();

  const again = { ...(await openTestStores(t, { home: stores.home, clock: stores.clock, create: false })) };
  const { service: restarted, told } = await serviceOn(again);
  assert.deepEqual(restarted.standingOf('anna'), before);
  await restarted.observe(observation(again, 'anna', 'invalid-proof', 'a2'));
  assert.deepEqual(restarted.standingOf('anna'), before);
  assert.deepEqual(told, []);
  const log = await logOf(again, 'anna');
  assert.deepEqual(
    log.map(([n, { reason, detail, integrity, shards, audit }]) => [n, reason, detail, integrity, shards, audit]),
    [
      [1, 'invalid-proof', 'why', [0.51, 0.31], 7, 'a2'],
      [0, 'passed', undefined, [0.5, 0.51], 7, 'a1'],
    ],
  );
  const [lower, upper] = log[1]?.[1].availability ?? [];
  assert.ok(lower !== undefined && upper !== undefined && lower < upper);
  const { availability, ...newcomer } = restarted.standingOf('nobody');
  assert.ok(Math.abs(availability - 0.05) < 1e-12);
  assert.deepEqual(newcomer, {
    integrity: 0.5,
    vetted: false,
    integrityFailedAt: undefined,
    disqualified: false,
  });
});

test('a shard that was lost, had again and lost once more is charged twice; asking again in between is not', async (t) => {
  const stores = await open(t);
  const { service, told } = await serviceOn(stores);
  const [lost, other] = [1, 2].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array];
  const declare = async () => {
    await stores.clock.advance(DAY);
    const { clock } = stores;
    await service.observe({ peer: 'anna', at: clock.now(), outcome: 'declared-lost', shards: 2, missing: [lost] });
    return service.standingOf('anna').integrity;
  };
  assert.equal(await declare(), 0.4);
  await service.regained('anna', [other]);
  assert.equal(await declare(), 0.4);
  await service.regained('anna', [other, lost]);
  assert.equal(told.length, 1, 'to have it again is worth nothing by itself');
  const { service: again } = await serviceOn(stores);
  assert.deepEqual(again.stateOf('anna'), service.stateOf('anna'), 'it is remembered');
  assert.equal(await declare(), 0.3);
  assert.equal(await declare(), 0.3);
  await service.regained('nobody', [lost]);
  assert.equal(service.stateOf('nobody'), undefined);
});

test('observations that come at once are applied one after the other', async (t) => {
  const stores = await open(t);
  const { service } = await serviceOn(stores);
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => service.observe(observation(stores, 'anna', 'invalid-proof', `a${i}`))),
  );
  assert.equal(service.standingOf('anna').integrity, 0);
  assert.equal((await logOf(stores, 'anna')).length, 20);
  assert.equal(service.stateOf('anna')?.changes, 20);
});

test('the log of a peer keeps its newest changes', async (t) => {
  const stores = await open(t);
  const { service } = await serviceOn(stores);
  for (let i = 0; i < 130; i++) {
    await stores.clock.advance(2 * HOUR);
    await service.observe(observation(stores, 'anna', 'timed-out'));
  }
  const log = await logOf(stores, 'anna');
  assert.deepEqual([log.length, log[0]?.[0], log.at(-1)?.[0]], [100, 129, 30]);
  const page = await Array.fromAsync(stores.reputation.changes('anna', { before: 50 }));
  assert.deepEqual([page[0]?.[0], page.length], [49, 20]);
});

test('evidence counts once per accused and segment, together with the score, and again never', async (t) => {
  const stores = await open(t);
  const { service, told } = await serviceOn(stores);
  const found = evidenceOf(stores, 'liar', 's');
  const counted = await Promise.all([service.verified(found), service.verified({ ...found, audit: 'other' })]);
  assert.deepEqual(counted.sort(), [false, true]);
  assert.equal(service.standingOf('liar').integrity, 0.3);
  assert.match(told[0]?.detail ?? '', /found by auditor/);
  const reopened = await serviceOn(stores);
  assert.equal(await reopened.service.verified({ ...found, audit: 'third' }), false);
  assert.equal(await reopened.service.verified(evidenceOf(stores, 'liar', 's2')), true);
  assert.equal(reopened.service.standingOf('liar').disqualified, true);
  assert.equal(reopened.service.scoreOf('liar'), 0);
  assert.equal(reopened.told.at(-1)?.disqualified, true);
});

test('of an own audit only further segments count as evidence', async (t) => {
  const stores = await open(t);
  const { service } = await serviceOn(stores);
  await service.observe(observation(stores, 'liar', 'invalid-proof', 'whole'));
  assert.equal(await service.verified({ ...evidenceOf(stores, 'liar', 's'), own: true }, { alsoCounts: false }), true);
  assert.equal(service.standingOf('liar').integrity, 0.3);
  // Somebody else tells of the same.
  assert.equal(await service.verified(evidenceOf(stores, 'liar', 's')), false);
  assert.equal(service.standingOf('liar').integrity, 0.3);
});

test('evidence that went for want of room or by age cannot be told again', async (t) => {
  const stores = await open(t);
  const { service } = await serviceOn(stores, { keep: 3 });
  const start = stores.clock.now();
  for (const i of [0, 1, 2, 3]) {
    await stores.clock.advance(1000);
    assert.equal(await service.verified(evidenceOf(stores, `liar ${i}`, 's')), true);
  }
  assert.deepEqual([await rows(stores, 'receivedEvidence'), await rows(stores, 'evidenceByTime')], [3, 3]);
  assert.equal(await service.isCurrent(start + 1000), false);
  assert.equal(await service.verified(evidenceOf(stores, 'liar 0', 's', start + 1000)), false);
  assert.equal(service.standingOf('liar 0').integrity, 0.3);
  await stores.clock.advance(EVIDENCE_AGE_MS + 1);
  assert.equal(await service.isCurrent(start + 4000), false);
  assert.equal(await service.verified(evidenceOf(stores, 'liar 4', 's')), true);
  await serviceOn(stores, { keep: 3 });
  assert.equal(await rows(stores, 'receivedEvidence'), 1);
  assert.equal(await service.isCurrent(stores.clock.now()), true);
});

test('of too many peers one that never failed is forgotten first, with its log', async (t) => {
  const stores = await open(t);
  const { service } = await serviceOn(stores, { maxPeers: 3, holders: ['liar'] });
  await service.verified(evidenceOf(stores, 'liar', 's'));
  for (const peer of ['anna', 'ben', 'carl']) await service.observe(observation(stores, peer, 'passed'));
  assert.deepEqual(service.peers(), ['ben', 'carl', 'liar']);
  assert.deepEqual(await logOf(stores, 'anna'), []);
  assert.deepEqual((await serviceOn(stores)).service.peers(), ['ben', 'carl', 'liar']);
});

test('strangers by the thousand push out nobody who earned credits or holds something of ours', async (t) => {
  const stores = await open(t);
  const { service } = await serviceOn(stores, { maxPeers: 4, holders: ['keeper'] });
  await service.observe(observation(stores, 'keeper', 'timed-out'));
  await service.observe(observation(stores, 'anna', 'passed'));
  for (let i = 0; i < 10; i++) {
    await service.falseEvidence(`accuser ${i}`, stores.clock.now(), 'bad-audit');
    assert.equal(service.stateOf(`accuser ${i}`), undefined);
    await service.verified(evidenceOf(stores, `throw-away ${i}`, 's'));
  }
  assert.deepEqual(service.peers(), ['anna', 'keeper', 'throw-away 0', 'throw-away 1']);
  // Nor does one come in where all others earned their place.
  await service.observe(observation(stores, 'ben', 'passed'));
  await service.observe(observation(stores, 'carl', 'passed'));
  await service.verified(evidenceOf(stores, 'throw-away', 's'));
  assert.deepEqual(service.peers(), ['anna', 'ben', 'carl', 'keeper']);
  // Who is known pays for it.
  await service.falseEvidence('anna', stores.clock.now(), 'bad-audit');
  assert.equal(service.standingOf('anna').integrity, 0.31);
});

test('no flood washes out who is disqualified; and what is known against who goes may be told again', async (t) => {
  const stores = await open(t);
  const { service } = await serviceOn(stores, { maxPeers: 3 });
  for (const audit of ['a1', 'a2']) await service.observe(observation(stores, 'liar', 'invalid-proof', audit));
  assert.equal(service.standingOf('liar').disqualified, true);
  for (let i = 0; i < 10; i++) await service.verified(evidenceOf(stores, `throw-away ${i}`, 's'));
  assert.deepEqual(service.peers(), ['liar', 'throw-away 0', 'throw-away 1']);
  assert.equal(await rows(stores, 'receivedEvidence'), 2);
  for (const peer of ['anna', 'ben']) await service.observe(observation(stores, peer, 'timed-out'));
  assert.deepEqual(service.peers(), ['anna', 'ben', 'liar']);
  assert.equal(await rows(stores, 'receivedEvidence'), 0);
  for (const peer of ['carl', 'dora']) await service.observe(observation(stores, peer, 'passed'));
  assert.deepEqual(service.peers(), ['carl', 'dora', 'liar']);
  const { service: roomy } = await serviceOn(stores);
  assert.equal(await roomy.verified(evidenceOf(stores, 'throw-away 0', 's')), true);
  assert.equal(roomy.standingOf('throw-away 0').integrity, 0.3);
});

test('who is forgiven is a newcomer here, for good, with all that was known kept and counted no more', async (t) => {
  const stores = await open(t);
  const { service, told } = await serviceOn(stores);
  assert.equal(await service.forgive('liar', stores.clock.now()), false);
  for (let i = 0; i < 16; i++) await service.verified(evidenceOf(stores, 'liar', `${i}`));
  assert.equal(service.standingOf('liar').disqualified, true);
  await stores.clock.advance(DAY);
  assert.equal(await service.forgive('liar', stores.clock.now(), 'a broken disk'), true);
  const { reason, detail, integrity } = told.at(-1) as ReputationChange;
  assert.deepEqual([reason, detail, integrity], ['forgiven', 'a broken disk', [0, 0.5]]);
  const { service: again } = await serviceOn(stores);
  assert.deepEqual(again.standingOf('liar'), again.standingOf('nobody'));
  assert.equal(await rows(stores, 'receivedEvidence'), 16);
  assert.equal(await again.verified(evidenceOf(stores, 'liar', '1')), false);
  // A failure of before that nobody had told of yet, and one of today.
  await again.verified(evidenceOf(stores, 'liar', 'late', stores.clock.now() - DAY / 2));
  assert.equal(again.standingOf('liar').integrity, 0.5);
  await stores.clock.advance(1);
  assert.equal(await again.verified(evidenceOf(stores, 'liar', 'today')), true);
  assert.equal(again.standingOf('liar').integrity, 0.3);
});

test('what this node finds against one peer is bounded as well', async (t) => {
  const stores = await open(t);
  const { service } = await serviceOn(stores, { keep: 20 });
  const own = (segment: number) => service.verified({ ...evidenceOf(stores, 'liar', `${segment}`), own: true });
  for (let i = 0; i < 16; i++) assert.equal(await own(i), true);
  assert.equal(await own(16), false);
  assert.equal(await rows(stores, 'receivedEvidence'), 16);
  assert.equal(await service.verified(evidenceOf(stores, 'other', 's', stores.clock.now() - DAY)), true);
});

test('a false commitment is kept and charged in one batch, or neither', async (t) => {
  const stores = await open(t);
  const { service } = await serviceOn(stores);
  const signed = signStageClaim(
    { upload: uploadId(1), ids: new Uint8Array(32), commitments: new Uint8Array(48) },
    ANNA,
  );
  const found = { claim: signed, id: new Uint8Array(32), right: new Uint8Array(48).fill(7), at: 1 };
  const beside = await stores.claimEvidence.putting(found);
  assert.deepEqual(await Array.fromAsync(stores.claimEvidence.list()), []);
  await service.falseCommitment('anna', stores.clock.now(), 'shard', beside);
  assert.equal((await Array.fromAsync(stores.claimEvidence.list())).length, 1);
  assert.equal(service.standingOf('anna').integrity, 0.3);
});

test('what cannot be written changes nothing', async (t) => {
  const stores = await open(t);
  const { service, told } = await serviceOn(stores);
  await stores.close();
  await assert.rejects(service.observe(observation(stores, 'anna', 'invalid-proof')), { code: 'closed' });
  assert.equal(service.standingOf('anna').integrity, 0.5);
  assert.deepEqual(told, []);
});

test('a time ahead of the clock does not reserve the future', async (t) => {
  const stores = await open(t);
  const { service } = await serviceOn(stores);
  await service.observe({ ...observation(stores, 'anna', 'passed'), at: stores.clock.now() + 365 * DAY });
  await stores.clock.advance(DAY);
  await service.observe(observation(stores, 'anna', 'passed'));
  assert.equal(service.standingOf('anna').integrity, 0.52);
});

test('a clock that was ahead and is set right leaves nothing in the future', async (t) => {
  const stores = await open(t);
  const { service } = await serviceOn(stores);
  const { clock } = stores;
  const passes = async (count: number, apartMs: number) => {
    for (let i = 0; i < count; i++) {
      await clock.advance(apartMs);
      await service.observe(observation(stores, 'anna', 'passed'));
    }
  };
  await passes(20, DAY);
  clock.skew(365 * DAY);
  await passes(1, HOUR);
  clock.skew(-365 * DAY);
  const { integrity, availability } = service.standingOf('anna');
  const before = service.stateOf('anna')?.credits ?? 0;
  await passes(20, 60_000);
  assert.equal(service.stateOf('anna')?.credits, before);
  assert.equal(service.standingOf('anna').integrity, integrity);
  for (let i = 0; i < 48; i++) {
    await clock.advance(HOUR);
    await service.observe(observation(stores, 'anna', 'timed-out'));
  }
  assert.ok(service.standingOf('anna').availability < availability / 4);
});

test('each piece of evidence is told once it is kept, also one of this node that moves no score', async (t) => {
  const stores = await open(t);
  const { service, told, kept } = await serviceOn(stores);
  const own = { ...evidenceOf(stores, 'liar', 'a'), own: true };
  await service.verified(own, { alsoCounts: false });
  await service.verified(own, { alsoCounts: false });
  assert.deepEqual([kept, told.length], [[own], 0]);
  const found = evidenceOf(stores, 'liar', 'b');
  await service.verified(found);
  assert.deepEqual([kept, told.length], [[own, found], 1]);
});

test('a clock that is ahead at a start takes no evidence away', async (t) => {
  const stores = await open(t);
  const { service } = await serviceOn(stores);
  await service.verified(evidenceOf(stores, 'liar', 's'));
  stores.clock.skew(10 * EVIDENCE_AGE_MS);
  await serviceOn(stores);
  assert.equal(await rows(stores, 'receivedEvidence'), 1);
});

test('a standing fades while nothing happens', async (t) => {
  const stores = await open(t);
  const { service } = await serviceOn(stores);
  for (let i = 0; i < 20; i++) {
    await stores.clock.advance(2 * HOUR);
    await service.observe(observation(stores, 'anna', 'passed'));
  }
  const { availability } = service.standingOf('anna');
  await stores.clock.advance(3 * DAY);
  assert.ok(service.standingOf('anna').availability < availability);
});

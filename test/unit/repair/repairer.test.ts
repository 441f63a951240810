import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RepairCancelled, type RepairResult } from '../../../node/repair/repairer.ts';
import type { PlaceRequest } from '../../../node/repair/shard-placer.ts';
import { marginOf } from '../../../node/repair/stripe-state.ts';
import { FRAME_BYTES } from '../../../protocol/constants.ts';
import { shardPosition } from '../../../protocol/geometry.ts';
import { shardIdAt } from '../../../protocol/segment.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import type { MemoryPeer } from '../../helpers/memory-network.ts';
import { RepairBench } from '../../helpers/repair-bench.ts';
import { stream } from '../../helpers/sample-object.ts';
import { TransferBench } from '../../helpers/transfer-bench.ts';

const signal = new AbortController().signal;
const CODE = { id: 1, k: 4, m: 2 } as const;
const content = stream('repair', 8 * FRAME_BYTES);

async function* pieces(frames = 8) {
  yield content.subarray(0, frames * FRAME_BYTES);
}

/** A file of 4+2 in a network of so many peers, and a guardian. */
async function stored(peers: number, frames = 8) {
  const bench = new TransferBench(peers);
  const added = await bench.uploader().add(pieces(frames), { kind: 'file', code: CODE });
  return { bench, root: added.root, link: added, guardian: new RepairBench(bench, new ManualClock()) };
}

/** It is gone, and nobody takes it for a candidate. */
function leave({ table }: TransferBench, ...peers: readonly MemoryPeer[]): void {
  for (const peer of peers) {
    peer.online = false;
    table.remove(peer.id);
  }
}

const storedBy = ({ stored }: MemoryPeer) => [...stored.values()].flatMap((indices) => [...indices.keys()]);

async function margins(guardian: RepairBench, root: Parameters<RepairBench['order']>[0]): Promise<number[]> {
  const manifest = await guardian.bench.locator().root(root, signal);
  const { stripes } = await guardian.survey.segment(root, manifest, 0, { keep: false }, signal);
  return stripes.map(({ counts }) => marginOf(counts));
}

describe('repair of a segment', () => {
  test('only what is lost moves, and the file is whole again', async () => {
    // Of the second stripe there are three data shards.
    const { bench, root, link, guardian } = await stored(8, 7);
    const both = guardian.holders().filter((peer) => storedBy(peer).length === 2);
    const [first, second] = both as [MemoryPeer, MemoryPeer];
    const lost = [first, second].flatMap(storedBy).length;
    leave(bench, first, second);
    assert.deepEqual(await margins(guardian, root), [0, 0]);
    const result = await guardian.repairer().run(guardian.order(root), signal);
    assert.equal(result.outcome, 'done');
    assert.deepEqual([result.placed, result.sent], [lost, lost]);
    const manifest = await bench.locator().root(root, signal);
    const segment = await bench.locator().segment(root, manifest, 0, signal);
    for (const { index, id } of guardian.placed) assert.deepEqual(id, shardIdAt(segment, manifest.code, index));
    assert.equal(guardian.placed.length, lost);
    // More when a source is slow and another is asked besides.
    assert.ok(result.fetched >= 4 + 3);
    assert.deepEqual(guardian.announced, ['lease', 'done']);
    assert.deepEqual(await margins(guardian, root), [2, 2]);
    // All that is left may go now, but for four that hold something of both stripes.
    leave(
      bench,
      ...guardian
        .holders()
        .filter(({ online }) => online)
        .sort((a, b) => storedBy(a).length - storedBy(b).length)
        .slice(0, 2),
    );
    const read: Uint8Array[] = [];
    for await (const piece of (await bench.downloader().open(link, signal)).read()) read.push(piece.slice());
    assert.ok(Buffer.concat(read).equals(content.subarray(0, 7 * FRAME_BYTES)));
    assert.equal((await guardian.repairer().run(guardian.order(root), signal)).outcome, 'no-place');
  });

  test('one that is cancelled holds nobody off, and ends with what it did', async () => {
    const { bench, root, guardian } = await stored(8);
    leave(bench, ...guardian.holders().slice(0, 2));
    const cancel = new AbortController();
    const repairer = guardian.repairer({
      async admit(_, stop) {
        cancel.abort(new RepairCancelled());
        stop.throwIfAborted();
      },
    });
    const result = await repairer.run(guardian.order(root), cancel.signal);
    assert.deepEqual([result.outcome, result.placed, result.stripes], ['cancelled', 0, 2]);
    assert.deepEqual(guardian.announced, ['lease', 'done']);
    // Before it began nobody was told.
    const waiting = guardian.repairer().run(guardian.order(root), AbortSignal.abort(new RepairCancelled()));
    assert.equal((await waiting).outcome, 'cancelled');
    assert.equal(guardian.announced.length, 2);
    // A stop is no result.
    const stopped = guardian.repairer().run(guardian.order(root), AbortSignal.abort(new Error('stop')));
    await assert.rejects(stopped, /stop/);
  });

  test('its lease is announced again while it waits for traffic and gets on, and ends with it', async () => {
    const { bench, root } = await stored(8);
    const clock = new ManualClock();
    const guardian = new RepairBench(bench, clock);
    leave(bench, ...guardian.holders().slice(0, 2));
    const until: number[] = [];
    const running = guardian
      .repairer({
        admit: (_, stop) => clock.sleep(1_400, stop),
        announce: async ({ kind, expiresAt }) => {
          guardian.announced.push(kind);
          until.push(expiresAt - clock.now());
        },
      })
      .run(guardian.order(root), signal);
    let result: RepairResult | undefined;
    void running.then((ended) => {
      result = ended;
    });
    for (let step = 0; step < 400 && result === undefined; step++) {
      await clock.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(result?.outcome, 'done');
    assert.equal(guardian.announced.at(-1), 'done');
    const leases = guardian.announced.filter((kind) => kind === 'lease').length;
    // Two stripes of 1.4 s each, by leases of 1 s.
    assert.ok(leases >= 4, guardian.announced.join());
    assert.ok(until.every((ms) => ms > 0 && ms <= 1_000));
  });

  test('nothing is done while the threshold is not reached, unless all is to be restored', async () => {
    const { root, guardian } = await stored(14);
    const wide = new TransferBench(14);
    const added = await wide.uploader().add(pieces(), { kind: 'file', code: { k: 8, m: 4 } });
    const other = new RepairBench(wide, new ManualClock());
    leave(wide, other.holders()[0] as MemoryPeer);
    assert.equal((await other.repairer().run(other.order(added.root), signal)).outcome, 'not-needed');
    assert.equal((await other.repairer().run(other.order(added.root, 0), signal)).outcome, 'done');
    assert.equal((await guardian.repairer().run(guardian.order(root), signal)).outcome, 'not-needed');
    assert.deepEqual(guardian.announced, []);
  });

  test('a holder that is away for less than its grace is waited for', async () => {
    const { bench, root, guardian } = await stored(8);
    guardian.graceMs = 1_000_000;
    leave(bench, ...guardian.holders().slice(0, 2));
    assert.equal((await guardian.repairer().run(guardian.order(root, 0), signal)).outcome, 'not-needed');
  });

  test('what a holder has that is silent in audits is rebuilt elsewhere, though the holder says that it is there', async () => {
    const { root, guardian } = await stored(9);
    const [silent] = guardian.holders() as [MemoryPeer];
    guardian.silent.set(silent.id, 0);
    assert.deepEqual(await margins(guardian, root), [1, 1]);
    const result = await guardian.repairer().run(guardian.order(root, 0), signal);
    assert.deepEqual([result.outcome, result.placed], ['done', storedBy(silent).length]);
    assert.deepEqual(await margins(guardian, root), [2, 2]);
  });

  test('a holder that answers audits again in the midst of it cancels it', async () => {
    const { root, guardian } = await stored(9);
    const [silent, source] = guardian.holders() as [MemoryPeer, MemoryPeer];
    guardian.silent.set(silent.id, 0);
    source.fault = (call) => void (call === 'fetch' && guardian.silent.delete(silent.id));
    const result = await guardian.repairer().run(guardian.order(root, 0), signal);
    assert.deepEqual([result.outcome, result.placed], ['not-needed', 0]);
  });

  test('a holder that comes back in the midst of it cancels it', async () => {
    const { bench, root, guardian } = await stored(8);
    const [gone, source] = guardian.holders() as [MemoryPeer, MemoryPeer];
    leave(bench, gone);
    source.fault = (call) => {
      if (call !== 'fetch') return;
      gone.online = true;
      guardian.absences.answered(gone.id, root);
    };
    const result = await guardian.repairer().run(guardian.order(root), signal);
    assert.deepEqual([result.outcome, result.placed], ['not-needed', 0]);
    assert.equal(guardian.holders().length, 6);
    assert.deepEqual(await margins(guardian, root), [2, 2]);
  });

  test('a source that serves garbage is blamed, and another one is taken', async () => {
    const { bench, root, guardian } = await stored(9);
    const [gone, ...others] = guardian.holders() as [MemoryPeer, ...MemoryPeer[]];
    // Data shards are asked for first, parity only where one is missing.
    const liar = others.find((peer) => storedBy(peer).some((index) => index % 6 < 4)) as MemoryPeer;
    leave(bench, gone);
    liar.tamper = (_, shard) => Uint8Array.from(shard).fill(1, 100, 200);
    const result = await guardian.repairer().run(guardian.order(root), signal);
    assert.equal(result.outcome, 'done');
    assert.ok(guardian.faults.length > 0);
    assert.deepEqual([...new Set(guardian.faults.map(({ peer }) => peer))], [liar.id]);
    // What it lied about counts as lost, moves too, and not back to it.
    const bad = new Set(guardian.faults.map(({ index }) => index));
    const again = await guardian.repairer().run(guardian.order(root, 0), signal);
    assert.deepEqual([again.outcome, again.placed], ['done', bad.size]);
    assert.deepEqual(await margins(guardian, root), [2, 2]);
  });

  test('a source that stalled is asked last by the repairs that follow', async () => {
    const clock = new ManualClock();
    const { bench, root } = await stored(9);
    const guardian = new RepairBench(bench, clock);
    const [gone, ...others] = guardian.holders() as [MemoryPeer, ...MemoryPeer[]];
    const positions = (peer: MemoryPeer) =>
      [...peer.stored.values()].flatMap((stored) => [...stored.keys()].map((index) => shardPosition(CODE, index)));
    const broken = new Set(positions(gone).map(({ stripe }) => stripe));
    // It has what a rebuild asks for first.
    const slow = others.find((peer) =>
      positions(peer).some(({ stripe, position }) => broken.has(stripe) && position < CODE.k),
    ) as MemoryPeer;
    const next = others.find((peer) => peer !== slow) as MemoryPeer;
    const { promise, resolve } = Promise.withResolvers<void>();
    slow.fault = (call) => (call === 'fetch' ? promise : undefined);
    leave(bench, gone);
    let ended = false;
    const first = guardian.repairer().run(guardian.order(root, 0), signal);
    void first.finally(() => {
      ended = true;
    });
    while (!ended) await clock.advance(50);
    assert.equal((await first).outcome, 'done');
    assert.ok(guardian.slow.has(slow.id));
    resolve();
    const asked = slow.calls.fetch;
    leave(bench, next);
    assert.equal((await guardian.repairer().run(guardian.order(root, 0), signal)).outcome, 'done');
    assert.equal(slow.calls.fetch, asked);
    // Where the others do not have enough, it is one of them.
    for (const { id } of guardian.holders()) guardian.slow.add(id);
    leave(bench, guardian.holders().findLast(({ online }) => online) as MemoryPeer);
    assert.equal((await guardian.repairer().run(guardian.order(root, 0), signal)).outcome, 'done');
  });

  test('who signed for a shard that it has lost is named to whoever places the others', async () => {
    const { bench, root, guardian } = await stored(9);
    const [gone, damaged] = guardian.holders() as [MemoryPeer, MemoryPeer];
    leave(bench, gone);
    const lost = [...damaged.stored.values()].flatMap((stored) => [...stored.keys()]);
    for (const stored of damaged.stored.values()) stored.clear();
    const requests: PlaceRequest[] = [];
    const place = async (request: PlaceRequest) => {
      requests.push(request);
      return { receipts: new Map(), short: new Set<number>(), sent: 0, warnings: [] };
    };
    await guardian.repairer({ placer: { place } }).run(guardian.order(root), signal);
    for (const index of lost) {
      assert.deepEqual(requests[0]?.signed?.get(index), [damaged.id]);
      assert.deepEqual(requests[0]?.holders.get(index), []);
    }
  });

  test('too few shards are an alarm, and nothing is sent', async () => {
    const { bench, root, guardian } = await stored(9);
    const gone = guardian.holders().slice(0, 3);
    leave(bench, ...gone);
    const result = await guardian.repairer().run(guardian.order(root), signal);
    assert.deepEqual([result.outcome, result.sent], ['impossible', 0]);
    // One comes back: everything is restored.
    (gone[0] as MemoryPeer).online = true;
    assert.equal((await guardian.repairer().run(guardian.order(root), signal)).outcome, 'done');
    assert.deepEqual(await margins(guardian, root), [2, 2]);
  });

  test('what a disqualified holder has moves away, and serves as a source', async () => {
    const { root, guardian } = await stored(9);
    const out = guardian.holders().slice(0, 3);
    for (const { id } of out) guardian.disqualified.add(id);
    // Of six shards three are trusted: the others are good enough to rebuild from, but not to stay.
    assert.deepEqual(await margins(guardian, root), [-1, -1]);
    guardian.disqualified.delete((out[2] as MemoryPeer).id);
    const result = await guardian.repairer().run(guardian.order(root), signal);
    assert.equal(result.outcome, 'done');
    assert.deepEqual(await margins(guardian, root), [2, 2]);
  });

  test('nobody to take the shards: a clear result, nothing announced as done', async () => {
    const { bench, root, guardian } = await stored(6);
    const [gone] = guardian.holders() as [MemoryPeer];
    leave(bench, gone);
    const result = await guardian.repairer().run(guardian.order(root), signal);
    assert.equal(result.outcome, 'no-place');
    assert.match(result.detail ?? '', /connect more peers/);
    assert.deepEqual(guardian.announced, ['lease']);
  });

  test('a holder that takes shards but does not say what it holds gets nothing more', async () => {
    const { root, guardian } = await stored(6);
    const [silent] = guardian.holders() as [MemoryPeer];
    silent.fault = (call) => {
      if (call === 'have') throw new Error('busy');
    };
    const { stage } = silent.calls;
    const result = await guardian.repairer().run(guardian.order(root), signal);
    assert.deepEqual([result.outcome, result.placed, silent.calls.stage], ['no-place', 0, stage]);
  });

  test('a shard in a crowded subnet is copied to a holder of its own', async () => {
    const { bench, root, guardian } = await stored(7);
    const [one, two] = guardian.holders() as [MemoryPeer, MemoryPeer];
    for (const { id } of [one, two]) bench.table.connected(id, '/ip4/10.9.8.7/tcp/1');
    const result = await guardian.repairer().run(guardian.order(root), signal);
    assert.equal(result.outcome, 'done');
    assert.deepEqual([result.fetched, result.sent], [result.placed, result.placed]);
    assert.equal((await guardian.repairer().run(guardian.order(root), signal)).outcome, 'not-needed');
  });

  test('where everybody shares a subnet, shards stay where they are, and nobody is told', async () => {
    const { bench, root, guardian } = await stored(8);
    for (const { id } of bench.network.all) bench.table.connected(id, '/ip4/192.168.1.7/tcp/1');
    const result = await guardian.repairer().run(guardian.order(root), signal);
    assert.deepEqual([result.outcome, result.sent, result.fetched], ['crowded', 0, 0]);
    assert.deepEqual(guardian.announced, []);
    // What is lost is restored all the same.
    const [gone] = guardian.holders() as [MemoryPeer];
    leave(bench, gone);
    assert.equal((await guardian.repairer().run(guardian.order(root), signal)).outcome, 'done');
    assert.deepEqual(await margins(guardian, root), [2, 2]);
  });

  test('traffic is asked for before it is caused', async () => {
    const { bench, root, guardian } = await stored(8);
    leave(bench, guardian.holders()[0] as MemoryPeer);
    const { fetched, sent } = await guardian.repairer().run(guardian.order(root), signal);
    assert.ok(guardian.admitted >= fetched + sent);
    const stopped = AbortSignal.abort(new Error('stopping'));
    await assert.rejects(guardian.repairer().run(guardian.order(root), stopped), /stopping/);
  });
});

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { FRAME_BYTES } from '../../../protocol/constants.ts';
import { GuardianBench, type GuardianNode } from '../../helpers/guardian-bench.ts';
import { stream } from '../../helpers/sample-object.ts';

const content = stream('guarded', 6 * FRAME_BYTES);

/** A file of 4+2, of two stripes, in a network of so many peers. */
async function guarded(t: TestContext, peers: number): Promise<GuardianBench> {
  const bench = new GuardianBench(peers);
  await bench.start(content, { k: 4, m: 2 });
  t.after(() => bench.stop());
  return bench;
}

async function readBack(bench: GuardianBench): Promise<Buffer> {
  const object = await bench.bench
    .downloader()
    .open({ root: bench.root, key: bench.key }, new AbortController().signal);
  const pieces: Uint8Array[] = [];
  for await (const piece of object.read()) pieces.push(piece.slice());
  return Buffer.concat(pieces);
}

const ended = ({ events }: GuardianNode, outcome: string) =>
  events.filter(({ type, data }) => type === 'repair.done' && 'outcome' in data && data.outcome === outcome).length;
const alarms = (bench: GuardianBench) =>
  bench.nodes.filter(({ running, repair }) => running && repair.service.overview().alarms.length > 0).length;

describe('a file in a network', () => {
  test('outlives its owner and all of its holders, one after the other', async (t) => {
    const bench = await guarded(t, 8);
    const original = bench.holders();
    bench.leave(bench.owner);
    for (const [i, holder] of original.entries()) {
      bench.leave(holder);
      await bench.join(`fresh ${i}`);
      await bench.until(`the file to be whole after holder ${i} left`, () => bench.whole());
    }
    assert.ok(bench.holders().every((node) => !original.includes(node)));
    assert.ok((await readBack(bench)).equals(content));
  });

  test('is whole again after as many holders as it can lose went at once', async (t) => {
    const bench = await guarded(t, 10);
    for (const holder of bench.holders().slice(0, 2)) bench.leave(holder);
    await bench.until('the file to be whole', () => bench.whole());
    assert.equal(alarms(bench), 0);
  });

  test('is whole again after as many holders as it can lose fell silent in audits; one more raises an alarm', async (t) => {
    const bench = await guarded(t, 10);
    const original = bench.holders();
    const silence = (nodes: readonly GuardianNode[]) => {
      for (const { peer } of nodes) bench.silent.set(peer, bench.clock.monotonic());
    };
    silence(original.slice(0, 2));
    await bench.until('shards to be rebuilt', () => bench.nodes.some((node) => ended(node, 'done') > 0));
    await bench.until('the file to be whole', () => bench.whole());
    assert.ok(bench.holders().length > original.length);
    assert.equal(alarms(bench), 0);
    silence(original.slice(2, 5));
    await bench.until('an alarm', () => alarms(bench) > 0);
    bench.silent.clear();
    await bench.until('the alarm to end', () => alarms(bench) === 0);
  });

  test('raises an alarm when one more went, and is whole again when it returns', async (t) => {
    const bench = await guarded(t, 10);
    const gone = bench.holders().slice(0, 3);
    for (const holder of gone) bench.leave(holder);
    await bench.until('an alarm', () => alarms(bench) > 0);
    assert.ok((await bench.health()).some(({ state }) => state === 'lost'));
    bench.comeBack(gone[0] as GuardianNode);
    await bench.until('the file to be whole', () => bench.whole());
    await bench.until('the alarm to end', () => alarms(bench) === 0);
  });

  test('is not repaired for a holder that was away for less than its grace', async (t) => {
    const bench = await guarded(t, 8);
    const [holder] = bench.holders() as [GuardianNode];
    bench.leave(holder);
    await bench.clock.advance(2_000);
    bench.comeBack(holder);
    await bench.clock.advance(15_000);
    assert.equal(bench.nodes.filter((node) => node.events.some(({ type }) => type === 'repair.started')).length, 0);
    assert.ok(await bench.whole());
  });

  test('is repaired by one guardian, whom the others leave alone', async (t) => {
    const bench = await guarded(t, 8);
    bench.leave(bench.owner);
    const [gone] = bench.holders() as [GuardianNode];
    bench.leave(gone);
    await bench.until('the file to be whole', () => bench.whole());
    await bench.until('time to pass', () => bench.clock.now() % 15_000 < 2_000);
    assert.equal(bench.nodes.filter((node) => ended(node, 'done') > 0).length, 1);
  });

  test('is repaired by the next guardian when the first one dies in the midst of it', async (t) => {
    const bench = await guarded(t, 10);
    bench.leave(bench.owner);
    const [gone] = bench.holders() as [GuardianNode];
    const dead: GuardianNode[] = [];
    bench.onEvent = (node, type) => {
      if (type !== 'repair.started' || dead.length > 0) return;
      dead.push(node);
      bench.leave(node);
    };
    bench.leave(gone);
    await bench.until('the first guardian to begin', () => dead.length === 1);
    await bench.until('the file to be whole', () => bench.whole());
    assert.equal(ended(dead[0] as GuardianNode, 'done'), 0);
  });

  test('has its holders audited by its owner and the first guardians, and by the next ones when these are gone', async (t) => {
    const bench = await guarded(t, 8);
    const auditing = async () => {
      const found: GuardianNode[] = [];
      for (const node of bench.nodes) {
        if (node.running && (await node.repair.watched.audits(bench.root))) found.push(node);
      }
      return found;
    };
    await bench.until('the first guardians to know their rank', async () => (await auditing()).length === 4);
    const first = await auditing();
    assert.equal(first[0], bench.owner);
    assert.equal(bench.holders().length, 6);
    for (const node of first.slice(0, 3)) bench.leave(node);
    await bench.until('the next ones to take over', async () => (await auditing()).length === 3);
    const next = await auditing();
    assert.equal(next.filter((node) => !first.includes(node)).length, 2);
  });

  test('survives a partition; what both sides rebuilt does no harm', async (t) => {
    const bench = await guarded(t, 14);
    const side = new Set(
      bench
        .holders()
        .slice(0, 2)
        .map(({ peer }) => peer),
    );
    bench.reaches = (from, to) => side.has(from) === side.has(to);
    for (const { repair, peer } of bench.nodes) {
      for (const other of bench.nodes) if (side.has(peer) !== side.has(other.peer)) repair.missed(other.peer);
    }
    await bench.until('the larger side to be whole', () => bench.whole());
    bench.reaches = () => true;
    for (const { repair } of bench.nodes) for (const { peer } of bench.nodes) repair.connected(peer);
    await bench.until('no alarm', () => alarms(bench) === 0);
    assert.ok(await bench.whole());
    assert.ok((await readBack(bench)).equals(content));
  });
});

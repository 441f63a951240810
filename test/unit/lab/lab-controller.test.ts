import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LabAction } from '../../../node/lab/lab-action.ts';
import { LabController } from '../../../node/lab/lab-controller.ts';
import { seededRandom } from '../../../node/lab/seeded.ts';
import { silentLogger } from '../../../node/log.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { MemoryFleet } from '../../helpers/memory-fleet.ts';

const never = new AbortController().signal;

function lab(nodes: number, seed = 1) {
  const fleet = new MemoryFleet(nodes);
  const clock = new ManualClock();
  const done: string[] = [];
  const controller = new LabController({
    fleet,
    clock,
    random: seededRandom(seed, 'test'),
    log: silentLogger,
    onDone: (text) => done.push(text),
  });
  /** What the fleet was asked for by the action. */
  const act = async (action: LabAction) => {
    const from = fleet.log.length;
    await controller.act(action, never);
    return fleet.log.slice(from);
  };
  return { fleet, clock, controller, act, done };
}

test('actions reach the nodes they name, and are told of when they are done', async () => {
  const { act, done, controller } = lab(4);
  assert.deepEqual(await act({ do: 'kill', nodes: [2] }), ['2 killed']);
  assert.deepEqual(await act({ do: 'start', nodes: [2, 3] }), ['2 revived']);
  assert.deepEqual(await act({ do: 'stop', nodes: [4] }), ['4 stopped']);
  assert.equal(await controller.act({ do: 'corrupt', nodes: [1, 3], shards: 5, bits: 2 }, never), 10);
  assert.equal(await controller.act({ do: 'drop', nodes: [1], share: 0.5 }, never), 7);
  assert.deepEqual([controller.condition(1).damagedShards, controller.condition(2).damagedShards], [12, 0]);
  assert.equal(done[0], 'kill 2');
  assert.equal(done[4], 'drop 50 % of the shards of 1: 7 touched');
  assert.equal(done.length, 5);
});

test('a node that does not exist is refused, and nothing is done', async () => {
  const { controller, fleet, done } = lab(4);
  const actions: LabAction[] = [
    { do: 'kill', nodes: [1, 5] },
    { do: 'flood', nodes: [1], targets: [9], ms: 1 },
    { do: 'partition', groups: [[1], [7]] },
    { do: 'churn', perMinute: 1, downMs: 1, atMost: 1, spare: [5] },
  ];
  for (const action of actions) {
    await assert.rejects(controller.act(action, never), {
      code: 'invalid-request',
      message: /the lab has no node [579]: its nodes are 1 to 4/,
    });
  }
  assert.deepEqual([fleet.log, done], [[], []]);
});

test('a fault of a node that does not run is refused for all that are named', async () => {
  const { controller, fleet, act } = lab(3);
  await act({ do: 'kill', nodes: [2] });
  for (const action of [
    { do: 'lie', nodes: [1, 2], how: 'altered' },
    { do: 'corrupt', nodes: [1, 2], shards: 1, bits: 1 },
  ] as const) {
    await assert.rejects(controller.act(action, never), { code: 'not-ready', message: /node 2 is killed: start it/ });
  }
  assert.deepEqual(fleet.log, ['2 killed']);
  assert.equal(controller.condition(1).dishonest, false);
});

test('lying and flooding make a node dishonest for good; being slow or damaged does not', async () => {
  const { act, controller, clock } = lab(4);
  await act({ do: 'lie', nodes: [1], how: 'claims' });
  await act({ do: 'lie', nodes: [1], how: 'none' });
  await act({ do: 'flood', nodes: [2], targets: [2, 3], ms: 5000 });
  await act({ do: 'slow', nodes: [3], ms: 20 });
  await act({ do: 'drop', nodes: [4], share: 1 });
  assert.deepEqual(
    [1, 2, 3, 4].map((number) => controller.condition(number).dishonest),
    [true, true, false, false],
  );
  assert.equal(controller.condition(2).floodsUntil, clock.monotonic() + 5000);
});

test('what is damaged is drawn for each node apart, and repeats with the draw of the action', async () => {
  const { act } = lab(3, 5);
  const damage = { do: 'drop', nodes: [1, 2], share: 0.5 } as const;
  const first = await act({ ...damage, draw: 9 });
  assert.match(first.join(), /^1 drop 0\.5 \d+,2 drop 0\.5 \d+$/);
  assert.notEqual(first[0]?.slice(1), first[1]?.slice(1));
  assert.deepEqual(await act({ ...damage, draw: 9 }), first);
  assert.notDeepEqual(await act({ ...damage, draw: 8 }), first);
  assert.notDeepEqual(await act(damage), await act(damage));
});

test('a flood never goes to the node itself', async () => {
  const { act } = lab(3);
  assert.deepEqual(await act({ do: 'flood', nodes: [1, 2], targets: [1, 3], ms: 9 }), [
    '1 flood peer-3 9',
    '2 flood peer-1,peer-3 9',
  ]);
});

test('what would do nothing is refused, and nobody is blamed for it', async () => {
  const { controller, fleet, done } = lab(3);
  for (const [action, message] of [
    [{ do: 'flood', nodes: [1], targets: [1], ms: 9 }, /node 1 cannot flood itself/],
    [{ do: 'flood', nodes: [2, 1], targets: [1], ms: 9 }, /node 1 cannot flood itself/],
    [{ do: 'partition', groups: [[1, 2, 3]] }, /one group of all nodes is no partition/],
    [{ do: 'partition', groups: [[1, 2], [2]] }, /node 2 is in two groups/],
  ] as const satisfies readonly (readonly [LabAction, RegExp])[]) {
    await assert.rejects(controller.act(action, never), { code: 'invalid-request', message });
  }
  assert.deepEqual([fleet.log, done, controller.partition], [[], [], undefined]);
  assert.deepEqual(
    [1, 2].map((number) => controller.condition(number).dishonest),
    [false, false],
  );
});

test('a partition cuts groups from each other; healing connects them again', async () => {
  const { act, controller } = lab(5);
  assert.deepEqual(await act({ do: 'partition', groups: [[1, 2], [3]] }), [
    '1 isolate peer-3,peer-4,peer-5',
    '2 isolate peer-3,peer-4,peer-5',
    '3 isolate peer-1,peer-2,peer-4,peer-5',
    '4 isolate peer-1,peer-2,peer-3',
    '5 isolate peer-1,peer-2,peer-3',
  ]);
  assert.deepEqual(controller.partition, [[1, 2], [3], [4, 5]]);
  await act({ do: 'kill', nodes: [3] });
  const healed = await act({ do: 'heal' });
  assert.deepEqual(healed.slice(0, 4), ['1 isolate ', '2 isolate ', '4 isolate ', '5 isolate ']);
  assert.deepEqual(healed.slice(4).sort(), [
    '1 calls /node/4',
    '1 calls /node/5',
    '2 calls /node/4',
    '2 calls /node/5',
  ]);
  assert.equal(controller.partition, undefined);
});

test('a node that comes back is in its part of the network, and as slow and dishonest as before', async () => {
  const { act } = lab(3);
  await act({ do: 'slow', nodes: [1], ms: 30 });
  await act({ do: 'lie', nodes: [1], how: 'altered' });
  await act({ do: 'partition', groups: [[1]] });
  await act({ do: 'kill', nodes: [1] });
  assert.deepEqual(await act({ do: 'start', nodes: [1] }), [
    '1 revived',
    '1 isolate peer-2,peer-3',
    '1 slow 30',
    '1 lie altered',
  ]);
});

test('churn: nodes go and come back, never more away than allowed, never one that is spared', async () => {
  const { act, fleet, clock, controller } = lab(6, 3);
  await act({ do: 'churn', perMinute: 60, downMs: 10_000, atMost: 2, spare: [1] });
  let most = 0;
  for (let second = 0; second < 120; second++) {
    await clock.advance(1000);
    const away = fleet.members.filter(({ state }) => state !== 'running');
    most = Math.max(most, away.length);
    assert.ok(away.every(({ number }) => number !== 1));
  }
  assert.equal(most, 2);
  const count = (what: string) => fleet.log.filter((line) => line.endsWith(what)).length;
  const gone = count('killed') + count('stopped');
  assert.ok(count('killed') > 0 && count('stopped') > 0 && count('revived') > 0);
  assert.ok(gone - count('revived') <= 2);
  await act({ do: 'churn', perMinute: 0, downMs: 0, atMost: 1, spare: [] });
  assert.equal(controller.churn, undefined);
  await clock.advance(60_000);
  assert.ok(
    fleet.members.every(({ state }) => state === 'running'),
    'those that were away have come back',
  );
  await clock.advance(60_000);
  assert.equal(count('killed') + count('stopped'), gone, 'and nobody left any more');
  await controller.stop();
});

test('stopping ends churn, and who is away stays away', async () => {
  const { act, fleet, clock, controller } = lab(3);
  await act({ do: 'churn', perMinute: 600, downMs: 60_000, atMost: 1, spare: [] });
  await clock.advance(5000);
  await controller.stop();
  assert.equal(clock.sleeping, 0);
  await assert.rejects(controller.act({ do: 'heal' }, never), /the lab is stopping/);
  assert.equal(fleet.members.filter(({ state }) => state === 'running').length, 2);
});

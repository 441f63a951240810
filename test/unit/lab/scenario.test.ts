import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { planSteps } from '../../../node/lab/scenario/lab-plan.ts';
import { filesDiskBytes } from '../../../node/lab/scenario/scenario-disk.ts';
import { labFormat } from '../../../node/lab/scenario/scenario-format.ts';
import { seededFile, seededRandom } from '../../../node/lab/seeded.ts';
import { parseScenario } from '../../../node/scenario/read-scenario.ts';

const parse = (text: string, nodes?: number) =>
  parseScenario(text, 's.yaml', labFormat(nodes === undefined ? {} : { nodes }));
const BASE = 'nodes: 6\ntime: 60s\nfiles: [{size: 1MiB}]\n';
const step = (text: string) => parse(`${BASE}steps: [{at: 5s, ${text}}]`).steps[0]?.action;
const plan = (text: string) => {
  const scenario = parse(text);
  return planSteps(scenario, seededRandom(scenario.seed, 'steps'));
};

test('a scenario is read, and what it leaves out is filled in', () => {
  const scenario = parse(`${BASE}steps: []`);
  assert.deepEqual([scenario.nodes, scenario.time, scenario.code, scenario.seed], [6, 60_000, 'auto', 1]);
  assert.deepEqual(scenario.files, [{ size: 1024 ** 2, count: 1, owner: 1 }]);
  assert.deepEqual(scenario.expect, ['no-file-lost', 'no-honest-disqualified']);
});

test('every action has its form', () => {
  const nodes = [2, 3, 4];
  const whom = { nodes };
  assert.deepEqual(step('kill: {nodes: "2-4"}'), { do: 'kill', whom });
  assert.deepEqual(step('stop: {count: 2}'), { do: 'stop', whom: { count: 2 } });
  assert.deepEqual(step('start: {nodes: 2}'), { do: 'start', whom: { nodes: [2] } });
  assert.deepEqual(step('kill: {share: 0.5}'), { do: 'kill', whom: { share: 0.5 } });
  assert.deepEqual(step('corrupt: {nodes: "2-4"}'), { do: 'corrupt', whom, shards: 1, bits: 1 });
  assert.deepEqual(step('drop: {nodes: "2-4", amount: 0.25}'), { do: 'drop', whom, amount: 0.25 });
  assert.deepEqual(step('slow: {nodes: 2, ms: 50}'), { do: 'slow', whom: { nodes: [2] }, ms: 50 });
  assert.deepEqual(step('lie: {nodes: "2-4", how: silent}'), { do: 'lie', whom, how: 'silent' });
  assert.deepEqual(step('flood: {nodes: "2-4", target: 1, for: 9s}'), { do: 'flood', whom, targets: [1], ms: 9000 });
  assert.deepEqual(step('partition: {groups: ["1-3", "4,6"]}'), {
    do: 'partition',
    groups: [
      [1, 2, 3],
      [4, 6],
    ],
  });
  assert.deepEqual(step('heal: {}'), { do: 'heal' });
  assert.deepEqual(step('churn: {rate: 6}'), { do: 'churn', perMinute: 6, downMs: 20_000, atMost: 1 });
});

test('what is wrong is named by its key', () => {
  const steps = (text: string) => `${BASE}steps: [${text}]`;
  for (const [text, key] of [
    [`${BASE}steps: []\nnodez: 3`, 'nodez'],
    ['kind: simulation\ntime: 1d\nnetwork: {nodes: 9}', 'kind'],
    ['nodes: 0\ntime: 1s\nfiles: [{size: 1}]\nsteps: []', 'nodes'],
    ['nodes: 255\ntime: 1s\nfiles: [{size: 1}]\nsteps: []', 'nodes'],
    ['nodes: 4\ntime: 9h\nfiles: [{size: 1}]\nsteps: []', 'time'],
    [`${BASE}steps: []\ncode: 8+4`, 'code'],
    [`${BASE}steps: []\ncode: 60+9`, 'code'],
    [`${BASE}steps: []\ncode: 1+1`, 'code'],
    [`${BASE}steps: []\nspare: "7"`, 'spare'],
    [`${BASE}steps: []\nexpect: [world-peace]`, 'expect[0]'],
    [`${BASE}steps: []\nconfig: {audit.cycel: 3s}`, 'config.audit.cycel'],
    [`${BASE}steps: []\nconfig: {audit.cycle: soon}`, 'config'],
    ...['network.listen', 'network.name', 'network.bootstrap', 'api.port', 'lab.enabled'].map(
      (option) => [`${BASE}steps: []\nconfig: {${option}: 1}`, `config.${option}`] as const,
    ),
    [`${BASE}steps: []\nconfig: {home: /tmp}`, 'config.home'],
    ['nodes: 6\ntime: 60s\nsteps: []\nfiles: [{size: 1MiB, owner: 9}]', 'files[0].owner'],
    ['nodes: 6\ntime: 60s\nsteps: []\nfiles: [{size: 1GiB, count: 5}]', 'files'],
    ['nodes: 6\ntime: 60s\nsteps: []\nfiles: []', 'files'],
    [steps('{at: 5s, kill: {nodes: 7}}'), 'steps[0].kill.nodes'],
    [steps('{at: 61s, kill: {nodes: 2}}'), 'steps[0].at'],
    [steps('{at: 5s, kill: {nodes: 2, count: 1}}'), 'steps[0].kill'],
    [steps('{at: 5s, kill: {}}'), 'steps[0].kill'],
    [steps('{at: 5s, kill: {count: 7}}'), 'steps[0].kill.count'],
    [steps('{at: 5s, kill: {nodes: 2, how: hard}}'), 'steps[0].kill.how'],
    [steps('{at: 5s, lie: {nodes: 2, how: kindly}}'), 'steps[0].lie.how'],
    [steps('{at: 5s, drop: {nodes: 2, amount: 1.5}}'), 'steps[0].drop.amount'],
    [steps('{at: 5s, slow: {nodes: 2}}'), 'steps[0].slow.ms'],
    [steps('{at: 5s, flood: {nodes: 2, target: 8, for: 9s}}'), 'steps[0].flood.target'],
    [steps('{at: 5s, partition: {groups: ["1-3", "3-4"]}}'), 'steps[0].partition'],
    [steps('{at: 5s, partition: {groups: [1-6]}}'), 'steps[0].partition'],
    [steps('{at: 5s, flood: {nodes: 1, target: 1, for: 9s}}'), 'steps[0].flood'],
    [steps('{at: 5s, kill: {share: 0.01}}'), 'steps[0].kill'],
    [steps('{at: 9s, start: {count: 1}}, {at: 5s, slow: {nodes: 1, ms: 1}}'), 'steps[0].start'],
    [`${steps('{at: 5s, kill: {count: 1}}, {at: 5s, lie: {share: 1}}')}\nspare: 2-6`, 'steps[1].lie'],
    [`${steps('{at: 5s, lie: {count: 1, how: silent}}')}\nexpect: [full-health, liars-found]`, 'expect[1]'],
    [steps('{at: 5s, churn: {rate: 3, most: 7}}'), 'steps[0].churn.most'],
    [steps('{at: 5s, explode: {}}'), 'steps[0].explode'],
  ] as const) {
    assert.throws(
      () => parse(text),
      ({ type, message }: { type: { code: string; key: string }; message: string }) => {
        assert.deepEqual([type.code, type.key], ['bad-scenario', key], text);
        return message.startsWith(`s.yaml: ${key}: `) && !message.includes('\n');
      },
      text,
    );
  }
});

test('a number of nodes given from outside is what steps are checked against', () => {
  const text = `${BASE}steps: [{at: 5s, kill: {nodes: 5}}]`;
  assert.equal(parse(text, 5).nodes, 5);
  assert.throws(() => parse(text, 4), /steps\[0\]\.kill\.nodes: there is no node 5: the lab has 4/);
});

test('draws: the same for the same seed, only of those that can be meant, never of those that are spared', () => {
  const text = (seed: number) =>
    `nodes: 20\ntime: 60s\nseed: ${seed}\nspare: 1-4\nfiles: [{size: 1}]\nsteps:\n` +
    '- {at: 9s, start: {count: 2}}\n- {at: 1s, kill: {share: 0.25}}\n- {at: 2s, lie: {count: 4}}\n' +
    '- {at: 3s, lie: {count: 4}}\n- {at: 4s, corrupt: {count: 16}}\n';
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), (seed) => {
      const steps = plan(text(seed));
      assert.deepEqual(plan(text(seed)), steps);
      const [killed, first, second, damaged, started] = steps.map(({ action }) =>
        'nodes' in action ? action.nodes : [],
      );
      assert.ok(killed && first && second && damaged && started);
      assert.deepEqual(
        steps.map(({ at }) => at),
        [1000, 2000, 3000, 4000, 9000],
      );
      assert.deepEqual([killed.length, first.length, second.length, started.length], [5, 4, 4, 2]);
      assert.ok(started.every((number) => killed.includes(number)));
      assert.equal(new Set([...killed, ...first, ...second]).size, 13);
      assert.deepEqual(
        damaged,
        Array.from({ length: 16 }, (_, i) => i + 5).filter((number) => !killed.includes(number)),
      );
      assert.ok([...killed, ...first, ...second].every((number) => number > 4));
    }),
    { numRuns: 50 },
  );
});

test('who would only flood itself is not drawn for a flood', () => {
  const text = (seed: number) =>
    `${BASE}seed: ${seed}\nspare: 3-6\nsteps: [{at: 1s, flood: {count: 1, target: 2, for: 5s}}]`;
  for (let seed = 0; seed < 20; seed++) {
    assert.deepEqual(plan(text(seed))[0]?.action, { do: 'flood', nodes: [1], targets: [2], ms: 5000 });
  }
});

test('the disk that the files take counts parity, and copies where there are too few nodes for a code', () => {
  const bytes = (text: string) => filesDiskBytes(parse(`${text}\ntime: 60s\nsteps: []`)) / 1024 ** 2;
  const plain = bytes('nodes: 20\ncode: 9+3\nfiles: [{size: 90MiB, count: 2}]');
  // 180 MiB of data, a third of it again as parity, and what packing and the tables take.
  assert.ok(plain > 180 * 1.33 && plain < 180 * 1.33 * 1.4, String(plain));
  const wide = bytes('nodes: 20\ncode: 6+6\nfiles: [{size: 90MiB, count: 2}]');
  assert.ok(wide > 1.4 * plain && wide < 1.6 * plain, String(wide));
  const copied = bytes('nodes: 3\nfiles: [{size: 10MiB}]');
  assert.ok(copied > 20 && copied < 30, String(copied));
});

test('seeded bytes repeat, and differ by seed and by use', async () => {
  const all = async (seed: number, label: string) =>
    Buffer.concat(await Array.fromAsync(seededFile(seed, label, 200_000)));
  const first = await all(1, 'a');
  assert.equal(first.length, 200_000);
  assert.ok(first.equals(await all(1, 'a')));
  assert.ok(!first.equals(await all(2, 'a')));
  assert.ok(!first.equals(await all(1, 'b')));
  assert.notDeepEqual(seededRandom(1, 'a')(16), new Uint8Array(16));
});

test('the scenarios that come with the program are accepted', () => {
  const text = readFileSync(new URL('../../../scenarios/bad-day.yaml', import.meta.url), 'utf8');
  const scenario = parse(text);
  const kinds = new Set(scenario.steps.map(({ action }) => action.do));
  for (const kind of ['kill', 'corrupt', 'lie', 'partition', 'heal', 'flood'] as const)
    assert.ok(kinds.has(kind), kind);
  const lies = plan(text).flatMap(({ action }) => (action.do === 'lie' ? action.nodes : []));
  assert.ok(lies.length >= 0.2 * scenario.nodes, 'a fifth of the nodes lies');
});

test('the documentation names every key', () => {
  const text = readFileSync(new URL('../../../scenarios/README.md', import.meta.url), 'utf8');
  const table = text.slice(text.lastIndexOf('### Lab scenarios'), text.indexOf('## What is simulated'));
  /** What may stand where an unknown key was put. */
  const known = (scenario: string) => {
    try {
      parse(scenario);
    } catch (error) {
      return /(?:there are|one of) (.*?)(?:, found.*)?$/.exec((error as Error).message)?.[1]?.split(', ') ?? [];
    }
    return [];
  };
  const actions = known(`${BASE}steps: [{at: 1s, zzzzzzzzz: {}}]`);
  assert.equal(actions.length, 11);
  const keys = [
    ...known(`${BASE}steps: []\nzzzzzzzzz: 1`),
    ...known('nodes: 6\ntime: 60s\nsteps: []\nfiles: [{zzzzzzzzz: 1}]').map((key) => `files[].${key}`),
    ...actions,
    ...actions.flatMap((action) => known(`${BASE}steps: [{at: 1s, ${action}: {zzzzzzzzz: 1}}]`)),
    ...known(`${BASE}steps: []\nexpect: [zzzzzzzzz]`),
  ];
  assert.ok(keys.includes('bits') && keys.includes('full-health') && keys.includes('files[].owner'));
  for (const key of keys) {
    const names = key === 'files' || key === 'steps' ? `\`${key}[].` : `\`${key}`;
    assert.ok(table.includes(names), `${key} is not in the table`);
  }
});

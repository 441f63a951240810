import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseScenario } from '../../../node/scenario/read-scenario.ts';
import { CHECKED_FORMAT, loadScenario } from '../../../node/simulation/load-scenario.ts';
import { readTrace } from '../../../node/simulation/trace.ts';
import { repositoryRoot } from '../../helpers/source-tree.ts';

const { signal } = new AbortController();
const FOLDER = join(repositoryRoot, 'scenarios');
const SMALL = { kind: 'simulation', time: '1d', network: { nodes: 20 }, files: { stripes: 10, code: '4+2' } };
const parse = (changes: object) => parseScenario(JSON.stringify({ ...SMALL, ...changes }), 's.yaml', CHECKED_FORMAT);

test('every ready simulation is read, and the table of scenarios names it', async () => {
  const table = await readFile(join(FOLDER, 'README.md'), 'utf8');
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.yaml'));
  let simulations = 0;
  for (const file of files) {
    assert.ok(table.includes(`\`${file.replace('.yaml', '')}\``), `${file} is not in the table`);
    if (!/^kind: simulation$/m.test(await readFile(join(FOLDER, file), 'utf8'))) continue;
    const { scenario } = await loadScenario(join(FOLDER, file), signal);
    assert.notEqual(scenario.about, '', file);
    simulations++;
  }
  assert.ok(simulations >= 7);
});

test('what is absent is as the product has it by default', () => {
  const { placement, repair, audits, network } = parse({});
  assert.deepEqual([placement.strategy, placement.newcomerShare], ['hybrid', 0.1]);
  assert.deepEqual(
    [repair.threshold, repair.grace, repair.guardians, repair.takeover],
    ['auto', 3_600_000, 3, 600_000],
  );
  assert.equal(audits.cycle, 86_400_000);
  assert.equal(network.upload, Number.POSITIVE_INFINITY);
  assert.equal(parse({ network: { nodes: 20, upload: '2MiB' } }).network.upload, 2 * 1024 ** 2);
});

const IMPOSSIBLE: readonly [changes: object, key: string, message: RegExp][] = [
  [{ kind: 'lab' }, 'kind', /one of simulation, found "lab"/],
  [{ kind: undefined }, 'kind', /is missing.*testnet up/],
  [{ nodes: 3 }, 'nodes', /unknown key/],
  [{ network: { nodes: 20, nodez: 2 } }, 'network.nodez', /did you mean nodes/],
  [{ network: { nodes: 5 } }, 'files.code', /4\+2 needs 6 nodes, and there are 5/],
  [{ network: { nodes: 10_001 } }, 'network.nodes', /from 2 to 10000/],
  [{ files: { stripes: 1_000_001, code: '4+2' } }, 'files.stripes', /from 1 to 1000000/],
  [{ files: { stripes: 1_000_000, code: '20+12' }, network: { nodes: 64 } }, 'files.stripes', /32000000|30000000/],
  [{ files: { stripes: 10, code: '4-2' } }, 'files.code', /k\+m/],
  [{ network: { nodes: 20, capacity: '256KiB' } }, 'network.capacity', /has no room: 60 shards/],
  [{ placement: { known: 5 } }, 'placement.known', /too few to place 6/],
  [{ placement: { strategy: 'best' } }, 'placement.strategy', /one of hybrid/],
  [{ churn: { trace: 'a.csv', lifetime: { mean: '1d' } } }, 'churn.trace', /take/],
  [{ churn: { trace: '/etc/passwd' } }, 'churn.trace', /a file beside/],
  [{ churn: { lifetime: { mean: '1d', shape: 0 } } }, 'churn.lifetime.shape', /from 0.2/],
  [{ repair: { threshold: 2 } }, 'repair.threshold', /with 2 parity shards at most 1/],
  [{ repair: { traffic: 'fast' } }, 'repair.traffic', /unlimited or a size/],
  [{ adversaries: [{ share: 0.6 }, { share: 0.5 }] }, 'adversaries', /110 %/],
  [{ adversaries: [{ share: 0.6, from: '2d' }] }, 'adversaries[0].from', /after the end/],
  [{ faults: [{ at: '2d', departure: { share: 0.1 } }] }, 'faults[0].at', /after the end/],
  [{ faults: [{ at: '1h', departure: {} }] }, 'faults[0].departure', /exactly one of region, share, nodes/],
  [
    { faults: [{ at: '1h', departure: { nodes: [3, 20] } }] },
    'faults[0].departure.nodes[1]',
    /no node 20: the last is 19/,
  ],
  [{ faults: [{ at: '1h', outage: { region: 'eu', for: '1h' } }] }, 'faults[0].outage.region', /there is no region eu/],
  [{ faults: [{ at: '1h', outages: { region: 'eu', for: '1h' } }] }, 'faults[0].outages', /did you mean outage/],
];

test('what cannot be is refused with the key that is wrong', () => {
  for (const [changes, key, message] of IMPOSSIBLE) {
    assert.throws(() => parse(changes), { type: { code: 'bad-scenario', path: 's.yaml', key }, message }, key);
  }
});

test('what would never end, or not fit the memory, is refused; what is only large is not', () => {
  const large = {
    time: '365d',
    network: { nodes: 10_000 },
    files: { stripes: 1_000_000, code: '8+4' },
    churn: {
      sessions: { online: { mean: '5d', shape: 0.6 }, offline: { mean: '4h', shape: 0.7 } },
      lifetime: { mean: '400d' },
    },
    repair: { grace: '24h' },
  };
  assert.equal(parse(large).files.stripes, 1_000_000);
  const sessions = { online: { mean: '1m' }, offline: { mean: '1s' } };
  for (const [changes, key, message] of [
    [{ churn: { sessions } }, 'churn.sessions', /about [\d.e+]+ steps, at most 5e\+9/],
    [{ churn: { lifetime: { mean: '1m' } } }, 'churn.lifetime', /steps/],
    [{ audits: { cycle: '1m' }, churn: {}, time: '36500d' }, 'audits.cycle', /steps/],
    [{ corruption: { perShardYear: 100 } }, 'corruption.perShardYear', /steps/],
    [{ adversaries: [{ share: 0.5, returns: '1m' }], audits: { cycle: '1m' } }, 'adversaries', /steps/],
    [
      {
        ...{ churn: { sessions: { online: { mean: '1h' }, offline: { mean: '1h' } } } },
        files: SMALL.files,
        repair: { grace: '365d' },
      },
      'repair.grace',
      /events waiting/,
    ],
  ] as const) {
    assert.throws(() => parse({ ...large, ...changes }), {
      type: { code: 'bad-scenario', path: 's.yaml', key },
      message,
    });
  }
});

test('traces are read in order, and the line that is wrong is named', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-trace-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'trace.csv');
  const read = async (text: string) => {
    await writeFile(path, text);
    return readTrace(path, 2, signal);
  };
  const trace = await read('time,node,event\r\n0.5,b,offline\n60,a,leave\n60,a,join\n61,b,online');
  assert.deepEqual(
    Array.from({ length: trace.length }, (_, i) => [trace.times[i], trace.nodes[i], trace.kinds[i]]),
    [
      [500, 0, 1],
      [60_000, 1, 2],
      [60_000, 1, 3],
      [61_000, 0, 0],
    ],
  );
  const header = 'time,node,event\n';
  for (const [text, message] of [
    ['', /line 0: is empty/],
    ['a,b\n', /line 1: expected time,node,event/],
    [`${header}1,a,up\n`, /line 2: expected seconds/],
    [`${header}1,a,online\n0,a,offline\n`, /line 3: is earlier/],
    [`${header}1,a,online\n1,b,online\n1,c,online\n`, /line 4: c is one node more than the 2/],
    [`${header}1,a,online\n2,a,join\n`, /line 3: a joins and has not left/],
    [`${header}1,a,join\n2,a,join\n`, /line 3: a joins and has not left/],
    [`${header}${'x'.repeat(100_000)}`, /line 2: expected seconds/],
  ] as const) {
    await assert.rejects(read(text), { code: 'bad-scenario', message });
  }
  await assert.rejects(readTrace(join(folder, 'none.csv'), 2, signal), {
    code: 'unreadable-scenario',
    message: /ENOENT/,
  });
  await assert.rejects(readTrace(path, 2, AbortSignal.abort(new Error('stop'))), /stop/);
});

test('a trace that leaves too few nodes at the start is refused with its scenario', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-trace-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 's.yaml');
  await writeFile(path, JSON.stringify({ ...SMALL, network: { nodes: 7 }, churn: { trace: 'trace.csv' } }));
  const load = async (events: string) => {
    await writeFile(join(folder, 'trace.csv'), `time,node,event\n${events}`);
    return loadScenario(path, signal);
  };
  assert.equal((await load('0,c,join\n1,a,join\n')).trace?.length, 2);
  await assert.rejects(load('1,a,join\n1,b,online\n'), {
    code: 'bad-scenario',
    message: /5 of 7 nodes .* 4\+2 needs 6/,
  });
});

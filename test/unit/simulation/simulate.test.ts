import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportPage } from '../../../node/report/page.ts';
import { CHECKED_FORMAT } from '../../../node/simulation/load-scenario.ts';
import { simulate } from '../../../node/simulation/simulate.ts';
import { simulationReport } from '../../../node/simulation/simulation-report.ts';
import { TRACED } from '../../../node/simulation/trace.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { simulated } from '../../helpers/simulated.ts';

const HOUR = 3_600_000;
const BUSY = {
  time: '30d',
  network: { nodes: 100, regions: { eu: 2, us: 1, ap: 1 }, upload: '1MiB' },
  files: { stripes: 80, code: '4+2', shardSize: '4MiB' },
  repair: { grace: '6h' },
  churn: {
    sessions: { online: { mean: '3d', shape: 0.6 }, offline: { mean: '5h' } },
    lifetime: { mean: '100d' },
  },
  corruption: { perShardYear: 0.2 },
  adversaries: [{ share: 0.1, from: '10d', drop: 1, audits: 'lie', returns: '5d' }],
  faults: [{ at: '20d', outage: { region: 'us', for: '8h' } }],
  samples: 20,
};

test('the same seed gives the same result, another seed another one', async () => {
  const [a, b, c] = [await simulated(BUSY), await simulated(BUSY), await simulated({ ...BUSY, seed: 2 })];
  assert.deepEqual(a, b);
  assert.match(a.hash, /^[0-9a-f]{64}$/);
  assert.notEqual(a.hash, c.hash);
  // Everything that the scenario asks for has happened.
  assert.ok(a.repair.repairs > 30 && a.repair.bytes > 0, JSON.stringify(a.repair));
  assert.ok(a.churn.departures > 10 && a.churn.joins > 10);
  assert.ok(a.detection.byAudit > 5);
  assert.ok(a.detection.withHolder >= 0 && a.detection.times.count === a.detection.byAudit + a.detection.byFetch);
  assert.ok(a.blame.adversariesDisqualified > 0);
  assert.equal(a.blame.honestDisqualified, 0, 'who keeps its data or says what it lost is not blamed');
  assert.equal(a.model.applies, false);
  const { series } = a;
  for (const values of [series.online, series.healthy, series.honestMedian]) assert.equal(values.length, 21);
  const sums = series.times.map((_, i) =>
    [series.healthy, series.suspected, series.degraded, series.unreadable, series.lost].reduce(
      (sum, v) => sum + (v[i] as number),
      0,
    ),
  );
  assert.ok(sums.every((sum) => sum === 80));
  const page = reportPage(simulationReport('busy', a));
  assert.equal(page.match(/<svg /g)?.length, 8);
});

test('nothing happens where nothing goes wrong', async () => {
  const { losses, durability, repair, unreadable, blame, detection, churn } = await simulated({
    time: '30d',
    network: { nodes: 30 },
    files: { stripes: 50, code: '4+2' },
  });
  assert.deepEqual([losses.stripes, losses.first, repair.bytes, unreadable.stripeHours], [0, null, 0, 0]);
  assert.deepEqual([blame.honestDisqualified, blame.honestBarred, detection.spoiled, churn.departures], [0, 0, 0, 0]);
  assert.equal(durability.value, 1);
  assert.ok(durability.lower > 0.9 && durability.lower < 1 && durability.upper === 1);
});

test('losses agree with the Markov model, with repair and without', async () => {
  const harsh = {
    time: '60d',
    network: { nodes: 800 },
    files: { stripes: 400, code: '2+2' },
    placement: { known: 8, strategy: 'random' },
    churn: { lifetime: { mean: '120d' } },
    audits: { cycle: '60d' },
    confidence: 0.999,
    samples: 2,
  };
  for (const repair of [{ threshold: 'never' }, { exponential: '20d', grace: '0s' }]) {
    for (const seed of [1, 2, 3]) {
      const { losses, model } = await simulated({ ...harsh, seed, repair });
      assert.ok(model.applies && model.agrees, `${JSON.stringify(model)} for ${JSON.stringify(losses)}`);
      assert.ok(losses.stripes > 5);
    }
  }
});

test('what is not in the model is named', async () => {
  const { model } = await simulated({
    time: '1d',
    network: { nodes: 10 },
    files: { stripes: 1, code: '2+1' },
    churn: { lifetime: { mean: '10d', shape: 2 } },
  });
  assert.deepEqual(model, {
    applies: false,
    because: ['lifetimes with a memory', 'repair by guardians', 'a grace period'],
  });
});

test('an outage of a region costs time and no stripe, and cancels what it made look lost', async () => {
  const outage = {
    time: '4d',
    network: { nodes: 60, regions: { eu: 1, us: 1 } },
    files: { stripes: 40, code: '4+2' },
    faults: [{ at: '1d', outage: { region: 'eu', for: '10h' } }],
    samples: 48,
  };
  const { losses, unreadable, series } = await simulated(outage);
  assert.equal(losses.stripes, 0);
  assert.ok(Math.min(...series.online) === 30 && series.online.at(-1) === 60);
  // Half of six shards are in each region (never more than two of a 4+2 where there is a choice, which two regions deny).
  assert.ok(unreadable.stripeHours > 0 && unreadable.stripeHours <= 400.01);
  const patient = await simulated({ ...outage, repair: { grace: '12h' } });
  assert.equal(patient.repair.repairs, 0, 'all are back before the grace is over');
});

test('m departures at once are repaired, m + 1 lose the stripes that they hold together', async () => {
  const network = { nodes: 6 };
  const base = { time: '2d', network, files: { stripes: 5, code: '4+2' }, placement: { known: 6 }, samples: 4 };
  const survived = await simulated({ ...base, faults: [{ at: '1h', departure: { nodes: [0, 1] } }] });
  const { repairs, shards, bytes } = survived.repair;
  assert.deepEqual([survived.losses.stripes, shards], [0, 10]);
  // Who repairs has one of the four shards itself.
  assert.equal(bytes, (3 * repairs + shards) * SHARD_BYTES);
  const lost = await simulated({ ...base, faults: [{ at: '1h', departure: { nodes: [0, 1, 2] } }] });
  assert.deepEqual([lost.losses.stripes, lost.losses.first], [5, HOUR]);
});

test('who lies is found and repaired away within days; who drops silently costs availability only', async () => {
  const base = {
    time: '20d',
    network: { nodes: 60 },
    files: { stripes: 200, code: '8+4' },
    samples: 10,
  };
  const adversary = { share: 0.2, from: '2d', drop: 0.25 };
  const lying = await simulated({ ...base, adversaries: [{ ...adversary, audits: 'lie' }] });
  assert.equal(lying.losses.stripes, 0);
  assert.equal(lying.blame.adversariesDisqualified, 12);
  assert.equal(lying.blame.adversaryShards, 0);
  const { median, p95, count } = lying.detection.times;
  assert.ok(median !== null && median > 0 && median < 24 * HOUR && p95 !== null && p95 <= 48 * HOUR && count > 10);
  const silent = await simulated({ ...base, adversaries: [{ ...adversary, audits: 'silent' }] });
  assert.equal(silent.blame.adversariesDisqualified, 0);
  assert.ok(silent.detection.byAudit > lying.detection.byAudit);
});

test('guardians that do nothing put repair off, and where all are such nothing is repaired', async () => {
  const base = {
    time: '3d',
    network: { nodes: 40 },
    files: { stripes: 100, code: '4+2' },
    faults: [{ at: '1d', departure: { share: 0.2 } }],
    samples: 4,
  };
  const none = await simulated(base);
  // All adversaries keep their data: only as guardians they do harm.
  const idle = (share: number) => simulated({ ...base, adversaries: [{ share, drop: 0, guardians: 'idle' }] });
  const [many, nearlyAll] = [await idle(0.6), await idle(0.95)];
  assert.ok((many.repair.times.p95 ?? 0) > (none.repair.times.p95 ?? 0));
  // Every holder has its turn, so that one honest holder is enough.
  assert.ok(nearlyAll.repair.unguarded > many.repair.unguarded && none.repair.unguarded === 0);
  assert.ok(nearlyAll.repair.repairs < none.repair.repairs / 2);
});

test('what finds no space again and again is given up in the end', async () => {
  const cramped = {
    kind: 'simulation',
    time: '365d',
    network: { nodes: 13 },
    files: { stripes: 200, code: '8+4' },
    churn: { replace: false },
    faults: [{ at: '1d', departure: { nodes: [1, 2, 3, 4] } }],
  };
  const scenario = CHECKED_FORMAT.read(cramped, '');
  const run = simulate(scenario, { signal: new AbortController().signal, pause: async () => {}, maxSteps: 50_000 });
  await assert.rejects(run, {
    type: { code: 'bad-scenario', path: '', key: 'time' },
    message: /given up after 5.0e\+4/,
  });
});

test('guardians that favour each other gather shards', async () => {
  const base = {
    time: '30d',
    network: { nodes: 60 },
    files: { stripes: 100, code: '4+2' },
    churn: { lifetime: { mean: '30d' } },
    samples: 4,
  };
  const group = (guardians: string) => simulated({ ...base, adversaries: [{ share: 0.3, drop: 0, guardians }] });
  const [honest, favouring] = [await group('honest'), await group('favour')];
  assert.ok(favouring.blame.adversaryShards > 1.3 * honest.blame.adversaryShards);
});

test('a narrow line makes repairs wait; the most endangered stripe goes first', async () => {
  const base = {
    time: '5d',
    network: { nodes: 30, upload: '64KiB', download: '64KiB' },
    files: { stripes: 60, code: '4+2', shardSize: '64MiB' },
    faults: [{ at: '1h', departure: { share: 0.1 } }],
    samples: 4,
  };
  const slow = await simulated(base);
  const fast = await simulated({ ...base, network: { nodes: 30 } });
  // 3 shards of 64 MiB fetched, and one sent, at 64 KiB/s take 4096 s.
  assert.ok((slow.repair.times.median ?? 0) >= 4096_000);
  assert.equal(fast.repair.times.median, 0);
});

test('a trace decides who is there', async () => {
  const trace = {
    length: 3,
    times: Float64Array.of(HOUR, 2 * HOUR, 20 * HOUR),
    nodes: Int32Array.of(0, 1, 0),
    kinds: Uint8Array.of(TRACED.offline, TRACED.leave, TRACED.online),
  };
  const scenario = {
    time: '1d',
    network: { nodes: 6 },
    files: { stripes: 3, code: '4+2' },
    churn: { trace: 'x.csv' },
    placement: { known: 6 },
    samples: 24,
  };
  const { churn, series, losses, repair } = await simulated(scenario, trace);
  assert.deepEqual([churn.departures, churn.joins, losses.stripes], [1, 0, 0]);
  assert.deepEqual([series.online[0], series.online[1], series.online[3], series.online.at(-1)], [6, 5, 4, 5]);
  assert.ok(repair.noSpace > 0, 'with four nodes left nobody can take a shard');
});

test('who comes later by a trace is not there before, and gets nothing', async () => {
  const trace = {
    length: 4,
    times: Float64Array.of(0, 10 * HOUR, 12 * HOUR, 20 * HOUR),
    nodes: Int32Array.of(0, 1, 2, 1),
    kinds: Uint8Array.of(TRACED.join, TRACED.online, TRACED.join, TRACED.offline),
  };
  const scenario = {
    time: '1d',
    network: { nodes: 8 },
    files: { stripes: 20, code: '4+2' },
    churn: { trace: 'x.csv' },
    placement: { known: 8 },
    samples: 24,
  };
  const { churn, series, repair, unreadable } = await simulated(scenario, trace);
  assert.deepEqual([churn.departures, churn.joins], [0, 1]);
  assert.deepEqual(
    [0, 9, 11, 13, 21].map((hour) => series.online[hour]),
    [6, 6, 7, 8, 7],
  );
  // Six nodes have all six shards of each stripe: nothing is missing when one of the others goes.
  assert.deepEqual([Math.min(...series.healthy), repair.repairs, unreadable.stripeHours], [20, 0, 0]);
});

test('an abort ends it', async () => {
  const abort = new AbortController();
  const scenario = CHECKED_FORMAT.read({ kind: 'simulation', ...BUSY, files: { stripes: 200, code: '4+2' } }, '');
  const pause = async () => {
    abort.abort(new Error('enough'));
  };
  await assert.rejects(simulate(scenario, { signal: abort.signal, pause }), /enough/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../../node/api/problem.ts';
import type { FileHealth } from '../../../node/api/services.ts';
import { createLab } from '../../../node/lab/lab.ts';
import type { LabReport } from '../../../node/lab/record/lab-report.ts';
import { type CheckedFile, checkLab, gravest } from '../../../node/lab/scenario/check-lab.ts';
import { playScenario } from '../../../node/lab/scenario/play-scenario.ts';
import { runScenario } from '../../../node/lab/scenario/run-scenario.ts';
import { labFormat } from '../../../node/lab/scenario/scenario-format.ts';
import { seededRandom } from '../../../node/lab/seeded.ts';
import { silentLogger } from '../../../node/log.ts';
import { parseScenario } from '../../../node/scenario/read-scenario.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { MemoryFleet, opinion } from '../../helpers/memory-fleet.ts';

const signal = new AbortController().signal;

async function* bytes(content: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}

async function lab(nodes: number) {
  const fleet = new MemoryFleet(nodes);
  const clock = new ManualClock();
  const running = createLab({
    fleet,
    name: 'test',
    processes: false,
    folder: '/lab',
    clock,
    random: seededRandom(1, 'test'),
    log: silentLogger,
    sampleMs: 1e9,
    onStep: () => {},
  });
  await running.start(signal);
  for (const member of fleet.members) member.answers = { read: () => bytes('content') };
  const run = { lab: running, clock, signal };
  const file: CheckedFile = { name: 'file-1', root: 'r', link: 'l', owner: 1, content: () => bytes('content') };
  return { fleet, clock, lab: running, run, file };
}

const failing = new ApiError('not-enough-shards', 'too few');
// biome-ignore lint/correctness/useYield: it fails before the first byte
async function* unreadable(): AsyncGenerator<Uint8Array> {
  throw failing;
}

test('a file is not lost while one of three honest readers gets it; the owner is asked last', async () => {
  const { fleet, run, file, lab: running } = await lab(5);
  await running.act({ do: 'lie', nodes: [2], how: 'altered' }, signal);
  const asked: number[] = [];
  for (const member of fleet.members) {
    const { number } = member;
    member.answers = {
      read: () => {
        asked.push(number);
        return number === 5 ? bytes('content') : unreadable();
      },
    };
  }
  const [finding] = await checkLab(['no-file-lost'], [file], run);
  assert.deepEqual([finding?.check.ok, asked], [true, [3, 4, 5]]);
  fleet.member(5).state = 'killed';
  const lost = await checkLab(['no-file-lost'], [file], run);
  assert.equal(gravest(lost), 'lost');
  assert.match(lost[0]?.check.detail ?? '', /cannot be read: file-1/);
  assert.equal(asked.at(-1), 1);
});

test('wrong bytes outweigh a lost file', async () => {
  const { fleet, run, file } = await lab(3);
  const health = () => Promise.reject(failing);
  for (const member of fleet.members) member.answers = { health, read: () => bytes('contend') };
  const findings = await checkLab(['full-health', 'no-file-lost'], [file], run);
  assert.equal(gravest(findings), 'wrong-bytes');
});

test('who never lied must not be disqualified by anybody; who lied may', async () => {
  const { fleet, run, file, lab: running } = await lab(4);
  await running.act({ do: 'lie', nodes: [3], how: 'altered' }, signal);
  fleet.member(1).reputations = [opinion('peer-3', { disqualified: true, integrityFailedAt: 5 }), opinion('peer-2')];
  assert.equal(gravest(await checkLab(['no-honest-disqualified', 'liars-found'], [file], run)), undefined);
  fleet.member(4).reputations = [opinion('peer-2', { disqualified: true })];
  const [finding] = await checkLab(['no-honest-disqualified'], [file], run);
  assert.deepEqual([finding?.failing, finding?.check.detail], ['unexpected', 'disqualified: 2']);
});

const keeping = (shards: number, staged = 0) => {
  const usage = {
    capacityBytes: 0,
    reservedBytes: 0,
    freeBytes: 0,
    trashBytes: 0,
    damagedShards: 0,
    scrub: { nextAt: 0 },
  };
  const [usedBytes, stagedBytes] = [shards + staged, staged].map((count) => count * SHARD_BYTES) as [number, number];
  return { storage: async () => ({ ...usage, usedBytes, stagedBytes, shards }) };
};

test('a liar that keeps nothing, and that nobody judged, cannot be found; all others must be', async () => {
  const { fleet, run, file, lab: running } = await lab(5);
  await running.act({ do: 'lie', nodes: [3, 4], how: 'altered' }, signal);
  const check = async () => (await checkLab(['liars-found'], [file], run))[0];
  Object.assign(fleet.member(3).answers, keeping(1));
  Object.assign(fleet.member(4).answers, keeping(0, 7));
  assert.deepEqual((await check())?.check.detail, 'not found: 3');
  fleet.member(1).reputations = [opinion('peer-3', { integrityFailedAt: 1 })];
  assert.deepEqual((await check())?.check.detail, '1 liars, each disproved; 4: keeps nothing, never judged');
  fleet.member(1).reputations = [opinion('peer-3', { integrityFailedAt: 1 }), opinion('peer-4')];
  assert.deepEqual((await check())?.check.detail, 'not found: 4');
  fleet.member(1).reputations = [];
  Object.assign(fleet.member(3).answers, keeping(0));
  assert.equal((await check())?.failing, 'unexpected', 'nobody was found');
});

test('a liar that nobody disproved is not found; one that does not run is not looked for', async () => {
  const { fleet, run, file, lab: running } = await lab(4);
  await running.act({ do: 'lie', nodes: [3, 4], how: 'claims' }, signal);
  for (const number of [3, 4]) Object.assign(fleet.member(number).answers, keeping(1));
  const [finding] = await checkLab(['liars-found'], [file], run);
  assert.deepEqual([finding?.failing, finding?.check.detail], ['unexpected', 'not found: 3, 4']);
  fleet.member(1).reputations = [opinion('peer-3', { integrityFailedAt: 1 })];
  fleet.member(4).state = 'killed';
  assert.equal(gravest(await checkLab(['liars-found'], [file], run)), undefined);
  fleet.member(3).state = 'killed';
  assert.equal(gravest(await checkLab(['liars-found'], [file], run)), 'unexpected', 'without a liar nothing is shown');
});

test('full health is as the owner sees it, or another node while that does not run', async () => {
  const { fleet, run, file } = await lab(3);
  const health = (verdict: FileHealth['verdict'], presentShards: number) => async () =>
    ({ verdict, shards: 9, presentShards }) as FileHealth;
  fleet.member(1).answers = { health: health('healthy', 9) };
  fleet.member(2).answers = { health: health('degraded', 7) };
  assert.equal(gravest(await checkLab(['full-health'], [file], run)), undefined);
  fleet.member(1).state = 'killed';
  const [degraded] = await checkLab(['full-health'], [file], run);
  assert.deepEqual([degraded?.failing, degraded?.check.detail], ['unexpected', 'file-1 lacks 2 shards']);
  fleet.member(2).answers = { health: health('lost', 1) };
  assert.equal(gravest(await checkLab(['full-health'], [file], run)), 'lost');
  fleet.member(2).answers = { health: () => Promise.reject(failing) };
  assert.match((await checkLab(['full-health'], [file], run))[0]?.check.detail ?? '', /file-1 is not found/);
});

test('a scenario: files first, steps at their times, checks with patience', async () => {
  const { fleet, clock, run, lab: running } = await lab(4);
  const scenario = parseScenario(
    'nodes: 4\ntime: 30s\npatience: 60s\nfiles: [{size: 10, count: 2, owner: 2}]\nexpect: [no-file-lost, liars-found]\n' +
      'steps:\n- {at: 20s, kill: {nodes: 4}}\n- {at: 5s, lie: {nodes: 3}}\n- {at: 25s, slow: {nodes: 4, ms: 5}}\n',
    's.yaml',
    labFormat(),
  );
  const stored = new Map<string, Buffer>();
  let reads = 0;
  for (const member of fleet.members) {
    member.answers = {
      add: async (source, { name }) => {
        fleet.log.push(`${member.number} adds ${name}`);
        stored.set(name, Buffer.concat(await Array.fromAsync(source)));
        return { link: name, root: name } as never;
      },
      read: (link) => {
        reads++;
        return bytes(stored.get(link) as Buffer);
      },
    };
  }
  const outcome = runScenario(scenario, run);
  await clock.advance(4999);
  assert.deepEqual(fleet.log.slice(1), ['2 adds file-1', '2 adds file-2']);
  await clock.advance(20_001);
  assert.deepEqual(fleet.log.slice(3), ['3 lie altered', '4 killed']);
  await clock.advance(10_000);
  // The liar was not found yet: the checks are tried again, the files are not read again.
  fleet.member(1).reputations = [opinion('peer-3', { integrityFailedAt: 1 })];
  await clock.advance(10_000);
  const { checks, failing: worst } = await outcome;
  assert.deepEqual([worst, checks.map(({ ok }) => ok), reads], [undefined, [true, true], 2]);
  running.conclude(checks);
  const report = await running.report(signal);
  const texts = report.steps.map(({ text }) => text);
  assert.deepEqual(texts.slice(0, 2), ['file-1, 10 bytes, added by 2', 'file-2, 10 bytes, added by 2']);
  assert.ok(texts.some((text) => /^not done: 4 answer 5 ms later \(node 4 is killed/.test(text)));
  assert.deepEqual(report.checks, checks);
});

test('a run that is interrupted is reported all the same, and so is one that cannot be reported', async () => {
  const { fleet, clock, run } = await lab(3);
  const scenario = parseScenario(
    'nodes: 3\ntime: 9s\nfiles: [{size: 1}]\nsteps: [{at: 1s, kill: {nodes: 3}}]',
    's.yaml',
    labFormat(),
  );
  for (const member of fleet.members) member.answers = { add: async () => ({ link: 'l', root: 'r' }) as never };
  const interrupted = new AbortController();
  const reports: LabReport[] = [];
  const onReport = async (report: LabReport) => {
    reports.push(report);
  };
  const played = assert.rejects(playScenario(scenario, { ...run, signal: interrupted.signal, onReport }), /enough/);
  await clock.advance(2000);
  interrupted.abort(new Error('enough'));
  await played;
  const [report] = reports;
  assert.deepEqual(report?.checks, [{ name: 'played-to-end', ok: false, detail: 'interrupted' }]);
  assert.ok(report?.steps.some(({ text }) => text === 'kill 3'));
  const full = () => Promise.reject(new Error('disk full'));
  const again = playScenario(scenario, { ...run, signal: interrupted.signal, onReport: full });
  await assert.rejects(again, /enough/);
});

test('a step that fails ends nothing but itself, and is told of; a defect ends the run', async () => {
  const { fleet, clock, run } = await lab(3);
  const scenario = parseScenario(
    'nodes: 3\ntime: 9s\nfiles: [{size: 1}]\nexpect: [no-honest-disqualified]\n' +
      'steps: [{at: 1s, slow: {nodes: 2, ms: 5}}, {at: 2s, kill: {nodes: 3}}]\n',
    's.yaml',
    labFormat(),
  );
  for (const member of fleet.members) member.answers = { add: async () => ({ link: 'l', root: 'r' }) as never };
  const fails = (error: Error) => {
    fleet.member(2).fault = () => Promise.reject(error);
  };
  fails(new ApiError('internal', 'no disk'));
  const outcome = runScenario(scenario, run);
  await clock.advance(9000);
  const { checks, failing: worst } = await outcome;
  assert.equal(worst, 'unexpected');
  assert.deepEqual(
    checks.map(({ name, ok, detail }) => [name, ok, detail]),
    [
      ['no-honest-disqualified', true, '3 honest nodes, none of them disqualified'],
      ['steps-done', false, '2 answer 5 ms later (no disk)'],
    ],
  );
  assert.equal(fleet.member(3).state, 'killed');
  fails(new RangeError('a defect'));
  const broken = assert.rejects(runScenario(scenario, run), /a defect/);
  await clock.advance(9000);
  await broken;
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BenchContext } from '../../../node/bench/bench-context.ts';
import {
  type BenchCase,
  type BenchOptions,
  type BenchSuite,
  casesNamed,
  medianPair,
  runSuites,
} from '../../../node/bench/harness.ts';
import { formatReport } from '../../../node/bench/report.ts';
import { shortcomings } from '../../../node/bench/results.ts';
import { type Clock, systemClock } from '../../../node/clock.ts';
import { systemRandom } from '../../../node/random.ts';

const STOPPED: Clock = { ...systemClock, now: () => Date.UTC(2026, 0, 2) };

function context(signal = new AbortController().signal): BenchContext {
  return { clock: STOPPED, random: systemRandom, command: ['none'], long: false, signal };
}

const run = (suites: readonly BenchSuite[], options: BenchOptions) => runSuites(suites, options, context());

/** A suite of one case that takes its figures from lists and notes the order of what is asked. */
function scripted(unit: BenchCase['unit'], values: number[], bounds: number[], target: number | null = null) {
  const calls: string[] = [];
  const take = (what: string, from: number[]) => async () => {
    calls.push(what);
    const next = from.shift();
    if (next === undefined) throw new Error(`${what} ran dry`);
    return next;
  };
  const subject: BenchCase = {
    name: 'subject',
    unit,
    boundedBy: 'a list',
    target,
    bound: take('bound', bounds),
    product: take('product', values),
  };
  const suite: BenchSuite = {
    names: ['subject'],
    async start(stack) {
      calls.push('start');
      stack.defer(() => void calls.push('stop'));
      return [subject];
    },
  };
  return { suite, calls };
}

test('the median is the round whose ratio is in the middle, the lower of two', () => {
  const pairs = [
    { value: 9, bound: 10 },
    { value: 100, bound: 1000 },
    { value: 1, bound: 2 },
    { value: 6, bound: 10 },
  ];
  assert.deepEqual(medianPair('MB/s', pairs), { value: 1, bound: 2 });
  assert.deepEqual(medianPair('MB/s', pairs.slice(0, 3)), { value: 1, bound: 2 });
  assert.deepEqual(medianPair('ms', pairs.slice(0, 3)), { value: 1, bound: 2 });
  assert.throws(() => medianPair('ms', []), RangeError);
});

test('a rate is compared with its bound round by round, in alternating order', async () => {
  const { suite, calls } = scripted('MB/s', [10, 30, 20], [40, 50, 900]);
  const { results } = await run([suite], { rounds: 3, only: [] });
  assert.deepEqual(results, [
    { name: 'subject', unit: 'MB/s', boundedBy: 'a list', value: 10, bound: 40, ratio: 0.25, target: null },
  ]);
  assert.deepEqual(calls, ['start', 'bound', 'product', 'product', 'bound', 'bound', 'product', 'stop']);
});

test('a case may run several times in each round', async () => {
  const { suite, calls } = scripted('ms', [1, 1, 1, 1], [1, 1, 1, 1]);
  const repeated: BenchSuite = {
    ...suite,
    start: async (...args) => (await suite.start(...args)).map((each) => ({ ...each, repeat: 2 })),
  };
  await run([repeated], { rounds: 2, only: [] });
  assert.equal(calls.filter((call) => call === 'product').length, 4);
});

test('a time is at its bound when it is as short', async () => {
  const { suite } = scripted('ms', [8], [4], 0.75);
  const report = await run([suite], { rounds: 1, only: ['subject'] });
  assert.equal(report.results[0]?.ratio, 0.5);
  assert.match(formatReport(report), /below target: subject at 0\.50 of its bound, to reach 0\.75/);
});

test('a reached target is not listed', async () => {
  const { suite } = scripted('ms', [4], [4], 0.75);
  assert.match(formatReport(await run([suite], { rounds: 1, only: [] })), /every target reached/);
});

test('cases that were not asked for do not run, and nothing is started for them', async () => {
  const { suite, calls } = scripted('ms', [], []);
  assert.deepEqual((await run([suite], { rounds: 1, only: ['other'] })).results, []);
  assert.deepEqual(calls, []);
});

test('a case that takes long runs no more rounds than it allows', async () => {
  const { suite, calls } = scripted('ms', [4, 6], [2, 2]);
  const limited: BenchSuite = {
    ...suite,
    start: async (...args) => (await suite.start(...args)).map((each) => ({ ...each, maxRounds: 2 })),
  };
  await run([limited], { rounds: 9, only: [] });
  assert.equal(calls.filter((call) => call === 'product').length, 2);
});

test('a suite is stopped when a measurement fails', async () => {
  const { suite, calls } = scripted('ms', [], [1]);
  await assert.rejects(run([suite], { rounds: 1, only: [] }), /product ran dry/);
  assert.equal(calls.at(-1), 'stop');
});

test('a second bound reads the same rounds, and may be asked for alone', async () => {
  const { suite, calls } = scripted('MB/s', [12], [8], 1);
  const also = [{ name: 'subject.half', boundedBy: 'half a list', factor: 0.5, target: 4 }];
  const twice: BenchSuite = {
    names: ['subject', 'subject.half'],
    start: async (...args) => (await suite.start(...args)).map((each) => ({ ...each, also })),
  };
  const { results, below, date } = await run([twice], { rounds: 1, only: ['subject.half'] });
  assert.deepEqual(results, [
    { name: 'subject.half', unit: 'MB/s', boundedBy: 'half a list', value: 12, bound: 4, ratio: 3, target: 4 },
  ]);
  assert.deepEqual(below, ['subject.half']);
  assert.equal(date, '2026-01-02T00:00:00.000Z');
  assert.deepEqual(calls, ['start', 'bound', 'product', 'stop']);
});

test('a group stands for all its cases', () => {
  const start = async () => [];
  const suites = [
    { group: 'audit', names: ['audit.a', 'audit.b'], start },
    { names: ['hash'], start },
  ];
  assert.deepEqual(casesNamed(['hash', 'audit', 'other'], suites), ['hash', 'audit.a', 'audit.b', 'other']);
});

test('what cannot be measured here is named with its reason', async () => {
  const missing: BenchSuite = {
    names: ['subject'],
    start: async () => [{ name: 'subject', skipped: 'there is no list' }],
  };
  const report = await run([missing], { rounds: 1, only: [] });
  assert.deepEqual(report.results, []);
  assert.deepEqual(report.skipped, [{ name: 'subject', skipped: 'there is no list' }]);
  assert.match(formatReport(report), /not measured: subject \(there is no list\)/);
});

test('a process that needs more memory than it may is listed', async () => {
  const { suite } = scripted('ms', [1], [1]);
  const MIB = 1024 * 1024;
  const memory = () =>
    new Map([
      ['frugal', 350 * MIB],
      ['greedy', 351 * MIB],
    ]);
  const watched: BenchSuite = {
    ...suite,
    start: async (...args) => (await suite.start(...args)).map((each) => ({ ...each, memory })),
  };
  const report = await run([watched], { rounds: 1, only: [] });
  assert.deepEqual(shortcomings(report), ['above the memory limit: subject, greedy had 351 MiB']);
  assert.deepEqual(report.aboveMemory, [{ name: 'subject', process: 'greedy', bytes: 351 * MIB }]);
  assert.match(formatReport(report), /frugal 350, greedy 351/);
});

test('an interrupted run stops what it started and says why', async () => {
  const abort = new AbortController();
  const { suite, calls } = scripted('ms', [1], [1]);
  const hanging: BenchSuite = {
    ...suite,
    start: async (...args) => {
      const cases = await suite.start(...args);
      return cases.map((each) => ({
        ...each,
        bound: () => {
          abort.abort(new Error('enough'));
          return new Promise<number>(() => undefined);
        },
      }));
    },
  };
  const running = runSuites([hanging], { rounds: 1, only: [] }, context(abort.signal));
  await assert.rejects(running, /enough/);
  assert.deepEqual(calls, ['start', 'stop']);
});

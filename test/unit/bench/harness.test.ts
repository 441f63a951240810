import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BenchCase, type BenchSuite, medianPair, runSuites } from '../../bench/harness.ts';
import { formatReport } from '../../bench/report.ts';

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
  const { results } = await runSuites([suite], { rounds: 3, only: [] });
  assert.deepEqual(results, [
    { name: 'subject', unit: 'MB/s', boundedBy: 'a list', value: 10, bound: 40, ratio: 0.25, target: null },
  ]);
  assert.deepEqual(calls, ['start', 'bound', 'product', 'product', 'bound', 'bound', 'product', 'stop']);
});

test('a case may run several times in each round', async () => {
  const { suite, calls } = scripted('ms', [1, 1, 1, 1], [1, 1, 1, 1]);
  const repeated: BenchSuite = {
    ...suite,
    start: async (stack) => (await suite.start(stack)).map((each) => ({ ...each, repeat: 2 })),
  };
  await runSuites([repeated], { rounds: 2, only: [] });
  assert.equal(calls.filter((call) => call === 'product').length, 4);
});

test('a time is at its bound when it is as short', async () => {
  const { suite } = scripted('ms', [8], [4], 0.75);
  const report = await runSuites([suite], { rounds: 1, only: ['subject'] });
  assert.equal(report.results[0]?.ratio, 0.5);
  assert.match(formatReport(report), /below target: subject at 0\.50 of its bound, to reach 0\.75/);
});

test('a reached target is not listed', async () => {
  const { suite } = scripted('ms', [4], [4], 0.75);
  assert.match(formatReport(await runSuites([suite], { rounds: 1, only: [] })), /every target reached/);
});

test('cases that were not asked for do not run, and nothing is started for them', async () => {
  const { suite, calls } = scripted('ms', [], []);
  assert.deepEqual((await runSuites([suite], { rounds: 1, only: ['other'] })).results, []);
  assert.deepEqual(calls, []);
});

test('a case that takes long runs no more rounds than it allows', async () => {
  const { suite, calls } = scripted('ms', [4, 6], [2, 2]);
  const limited: BenchSuite = {
    ...suite,
    start: async (stack) => (await suite.start(stack)).map((each) => ({ ...each, maxRounds: 2 })),
  };
  await runSuites([limited], { rounds: 9, only: [] });
  assert.equal(calls.filter((call) => call === 'product').length, 2);
});

test('a suite is stopped when a measurement fails', async () => {
  const { suite, calls } = scripted('ms', [], [1]);
  await assert.rejects(runSuites([suite], { rounds: 1, only: [] }), /product ran dry/);
  assert.equal(calls.at(-1), 'stop');
});

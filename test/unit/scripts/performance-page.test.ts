import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BenchReport, BenchResult } from '../../../node/bench/results.ts';
import { ALL_SUITES } from '../../../node/bench/suites/all-suites.ts';
import { CASE_GROUPS } from '../../../scripts/performance/cases.ts';
import { performancePage } from '../../../scripts/performance/page.ts';
import { sortSources } from '../../../scripts/performance/page-sources.ts';
import type { PeersReport } from '../../../scripts/performance/peers-report.ts';

const MIB = 1024 * 1024;
const machine = { cpu: 'a processor', cores: 2, memoryBytes: 8 * 2 ** 30, platform: 'linux 6 x64', node: 'v24.0.0' };
const commit: BenchResult = {
  name: 'commit',
  unit: 'MB/s',
  value: 8,
  bound: 2,
  ratio: 4,
  target: 3.5,
  boundedBy: 'a | loop',
};
const get: BenchResult = {
  name: 'get',
  unit: 'MB/s',
  value: 120,
  bound: 300,
  ratio: 0.4,
  target: 0.5,
  boundedBy: 'one stream',
  memory: [
    { process: 'downloader', bytes: 200 * MIB },
    { process: 'holders 1', bytes: 400 * MIB },
  ],
};
const standard: BenchReport = {
  machine,
  date: '2026-01-02T03:04:05.000Z',
  long: false,
  results: [get, commit],
  skipped: [{ name: 'verify', skipped: 'no library' }],
  below: ['get'],
  aboveMemory: [],
};
const long: BenchReport = {
  ...standard,
  long: true,
  results: [{ ...get, value: 150, ratio: 0.5 }],
  skipped: [],
  below: [],
  aboveMemory: [],
};
const peers: PeersReport = {
  machine,
  date: '2026-01-02T04:00:00.000Z',
  fileBytes: 64 * MIB,
  rounds: 3,
  systems: [
    {
      name: 'Helia',
      version: '7.0.0',
      what: 'keeps it',
      addMegabytesPerSecond: 99.5,
      getMegabytesPerSecond: 55.25,
      addCpuSecondsPerGib: 12.34,
      getCpuSecondsPerGib: 23.45,
      memory: [{ process: 'adder', bytes: 150 * MIB }],
    },
  ],
};
const lines = performancePage({ standard, long, peers }).split('\n');

test('the page is the same for the same runs, whatever order they are given in', () => {
  const documents = [peers, long, standard].map((each) => JSON.parse(JSON.stringify(each)) as unknown);
  assert.equal(performancePage(sortSources(documents)), lines.join('\n'));
});

test('every result has a row with its bound, its ratio and its target', () => {
  for (const row of [
    '| `commit` | commit shards on all cores with the fastest kernel of this machine | 8.00 MB/s | 2.00 MB/s | a \\| loop | 4.00 | 3.50 |',
    '| `get` | get that file at a node that did not add it | 120 MB/s | 300 MB/s | one stream | 0.40 | 0.50 |',
    '| `get` | get that file at a node that did not add it | 150 MB/s | 300 MB/s | one stream | 0.50 | 0.50 |',
    '| Helia 7.0.0 | 99.5 | 55.3 | 12.3 | 23.4 | 150 | keeps it |',
  ])
    assert.ok(lines.includes(row), `no row ${row} in\n${lines.join('\n')}`);
  assert.ok(lines.indexOf('## Commitments and proofs') < lines.indexOf('## Files'));
});

test('what is missed, exceeded or not measured is said', () => {
  for (const line of [
    '- below target: get at 0.40 of its bound, to reach 0.50',
    '- above the memory limit: get, holders 1 had 400 MiB',
    '- not measured: verify (no library)',
    '- 1 GiB: above the memory limit: get, holders 1 had 400 MiB',
  ])
    assert.ok(lines.includes(line), `no line ${line}`);
  const fine = performancePage({ standard: { ...standard, results: [commit], skipped: [] } });
  assert.ok(fine.includes('Every target was reached.'));
});

test('a page needs the standard run, once, and nothing else than runs', () => {
  assert.throws(() => sortSources([long, peers]), /is missing/);
  assert.throws(() => sortSources([standard, standard]), /two runs of the same kind/);
  assert.throws(() => sortSources([standard, { machine }]), /neither/);
});

test('the page describes every case that there is, and no other', () => {
  const described = CASE_GROUPS.flatMap(({ cases }) => Object.keys(cases));
  const measured = ALL_SUITES.flatMap(({ names }) => names);
  assert.deepEqual([...described].sort(), [...measured].sort());
});

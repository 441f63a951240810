#!/usr/bin/env node
/**
 * The benchmark: what the product does beside what bounds it, in one run. `--json` prints one object, `--rounds n`
 * measures more often, `--long` adds and gets a large file, names of cases run only those.
 */
import { parseArgs } from 'node:util';
import { type BenchSuite, runSuites } from './harness.ts';
import { formatReport } from './report.ts';
import { codeSuite } from './suites/code-suite.ts';
import { hashSuite } from './suites/hash-suite.ts';
import { kzgSuite } from './suites/kzg-suite.ts';
import { storeSuite } from './suites/store-suite.ts';
import { transferSuite } from './suites/transfer-suite.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
  },
});
const suites: readonly BenchSuite[] = [kzgSuite, codeSuite, hashSuite, storeSuite, transferSuite(values.long)];
const names = suites.flatMap((suite) => suite.names);
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`no such case: ${unknown.join(', ')}; there are ${names.join(', ')}`);
  process.exit(64);
}
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error(`--rounds takes a positive whole number, not ${values.rounds}`);
  process.exit(64);
}

const onRound = (name: string, round: number): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[Kround ${round + 1}/${rounds}: ${name}`);
};
const report = await runSuites(suites, { rounds, only: positionals, onRound });
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
console.log(values.json ? JSON.stringify(report) : formatReport(report));

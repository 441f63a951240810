#!/usr/bin/env node
/**
 * The benchmark: what the product does beside what bounds it, in one run. `--json` prints one object, `--rounds n`
 * measures more often, names of cases run only those.
 */
import { parseArgs } from 'node:util';
import { type BenchSuite, runSuites } from './harness.ts';
import { formatReport } from './report.ts';
import { codeSuite } from './suites/code-suite.ts';
import { hashSuite } from './suites/hash-suite.ts';
import { kzgSuite } from './suites/kzg-suite.ts';
import { storeSuite } from './suites/store-suite.ts';

const SUITES: readonly BenchSuite[] = [kzgSuite, codeSuite, hashSuite, storeSuite];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error(`--rounds takes a positive whole number, not ${values.rounds}`);
  process.exit(64);
}

const onRound = (name: string, round: number): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[Kround ${round + 1}/${rounds}: ${name}`);
};
const report = await runSuites(SUITES, { rounds, only: positionals, onRound });
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
const unknown = positionals.filter((name) => !report.results.some((result) => result.name === name));
if (unknown.length > 0) {
  console.error(`no such case: ${unknown.join(', ')}; npm run -s bench lists them all`);
  process.exit(64);
}
console.log(values.json ? JSON.stringify(report) : formatReport(report));

#!/usr/bin/env node
/**
 * Adds and fetches the same files with Holdfast, Helia and Hyperdrive, in turn, and prints one JSON document with medians.
 * Usage: npm start -- [--long] [--rounds n]
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { BenchContext } from '../../../node/bench/bench-context.ts';
import { describeMachine } from '../../../node/bench/machine.ts';
import { MemoryWatch } from '../../../node/bench/memory-watch.ts';
import type { UserAnswer, UserRequest } from '../../../node/bench/network/user-messages.ts';
import { systemClock } from '../../../node/clock.ts';
import { systemRandom } from '../../../node/random.ts';
import type { ComparedSystem, PeersReport } from '../../../scripts/performance/peers-report.ts';
import { type Pair, SYSTEMS } from './systems.ts';

const MIB = 1024 * 1024;
const { values } = parseArgs({
  options: { long: { type: 'boolean', default: false }, rounds: { type: 'string', default: '3' } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError('--rounds takes a positive whole number');
const fileBytes = (values.long ? 1024 : 64) * MIB;
/** After an upload its holders publish that they have it: what is measured next must not pay for that. */
const SETTLE_MS = 6_000;

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
const { signal } = interrupted;
const context: BenchContext = {
  clock: systemClock,
  random: systemRandom,
  command: [process.execPath],
  long: values.long,
  signal,
};

interface Series {
  readonly pair: Pair;
  readonly watch: MemoryWatch;
  readonly adds: UserAnswer[];
  readonly gets: UserAnswer[];
}

async function randomFile(path: string): Promise<void> {
  await using file = await open(path, 'w');
  for (let written = 0; written < fileBytes; written += MIB) await file.appendFile(systemRandom(MIB));
}

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  return hash.digest('hex');
}

async function runOnce({ pair, watch, adds, gets }: Series, path: string, expected: string): Promise<void> {
  const call = (side: 'adder' | 'getter', request: UserRequest) => watch.during(() => pair[side].call(request));
  const to = `${path}.back`;
  const added = await call('adder', { op: 'add', path, commitments: 'local' });
  await systemClock.sleep(SETTLE_MS, signal);
  const got = await call('getter', { op: 'get', link: added.link, to });
  if ((await digest(to)) !== expected) throw new Error(`${pair.name} gave other bytes back`);
  await rm(to);
  adds.push(added);
  gets.push(got);
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[(numbers.length - 1) >> 1] ?? Number.NaN;

function summary({ pair: { name, version, what }, watch, adds, gets }: Series): ComparedSystem {
  const rate = ({ bytes, milliseconds }: UserAnswer) => bytes / 1e6 / (milliseconds / 1000);
  const cpu = ({ bytes, cpuSeconds }: UserAnswer) => (cpuSeconds / bytes) * 2 ** 30;
  return {
    name,
    version,
    what,
    addMegabytesPerSecond: median(adds.map(rate)),
    getMegabytesPerSecond: median(gets.map(rate)),
    addCpuSecondsPerGib: median(adds.map(cpu)),
    getCpuSecondsPerGib: median(gets.map(cpu)),
    memory: [...watch.peaks].map(([process, bytes]) => ({ process, bytes })),
  };
}

async function compare(): Promise<PeersReport> {
  const date = new Date(systemClock.now()).toISOString();
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-peers-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const all: Series[] = [];
  for (const start of SYSTEMS) {
    const pair = await start(stack, context, folder);
    const pids = new Map([
      ['adder', pair.adder.pid],
      ['getter', pair.getter.pid],
    ]);
    all.push({ pair, watch: new MemoryWatch(systemClock, pids), adds: [], gets: [] });
  }
  const path = join(folder, 'file');
  for (let round = 0; round < rounds; round++) {
    // A file that nobody knows yet; and who comes first changes.
    await randomFile(path);
    const expected = await digest(path);
    for (let i = 0; i < all.length; i++) {
      const series = all[(round + i) % all.length] as Series;
      if (process.stderr.isTTY) process.stderr.write(`round ${round + 1}/${rounds}: ${series.pair.name}\n`);
      await runOnce(series, path, expected);
    }
  }
  return { machine: describeMachine(), date, fileBytes, rounds, systems: all.map(summary) };
}

console.log(JSON.stringify(await compare()));

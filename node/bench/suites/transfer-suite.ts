import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { BLOB_BYTES, MEGABYTE, megabytesPerSecond, PAYLOAD_BYTES } from '../baselines/sizes.ts';
import { StreamLoop } from '../baselines/stream-loop.ts';
import type { BenchContext } from '../bench-context.ts';
import type { BenchCase, BenchSuite } from '../harness.ts';
import { MemoryWatch } from '../memory-watch.ts';
import { BenchNetwork, type UserProcess } from '../network/bench-network.ts';
import { runCommand } from '../network/command-process.ts';
import { DaemonProcess } from '../network/daemon-process.ts';
import type { UserAnswer } from '../network/user-messages.ts';
import { timed } from '../timed.ts';
import { casesBeside, startKzgLoop } from './c-kzg-baseline.ts';

const K = 16;
const M = 8;
const COMMITS_PER_CORE = 16;
const TAG_BYTES = 16;
/** Whole stripes: 16 shards of payload each, without the frame that a byte more would begin. */
const FILE_BYTES = 26 * K * (PAYLOAD_BYTES - TAG_BYTES);
const GIB = 2 ** 30;
const SMALL_BYTES = 10 * 1024;
const PIECE_BYTES = 1024 * 1024;
const ADD_ROUNDS = 3;
const GETS_PER_ROUND = 3;
/** After an upload its holders publish that they have it: what is measured next must not pay for that. */
const SETTLE_MS = 6_000;
const GATHER_POLL_MS = 50;
const GATHER_LIMIT_MS = 60_000;
const SMALL_GOAL_MS = 300;

const BESIDE_C_KZG = ['add', 'add.all-shards', 'add.delegated'];

interface Subject {
  readonly context: BenchContext;
  readonly network: BenchNetwork;
  readonly uploader: UserProcess;
  readonly path: string;
  readonly bytes: number;
  /** The link of what was added last. */
  link: string;
}

/**
 * `add` and `get` of a file over loopback sockets with 16+8 and 24 holders, each user in a process of its own. `add` ends
 * with the last receipt: staging, commitments and the batch checks of all holders share the cores that the bound has to
 * itself. `get` is by a node that did not add the file, with all holders up.
 */
export const transferSuite: BenchSuite = {
  names: [...BESIDE_C_KZG, 'get', 'add.small'],
  async start(stack, context, wanted) {
    const network = await BenchNetwork.start(context);
    stack.defer(() => network.stop());
    const cases = wanted('add.small') ? [await smallCase(stack, network, context)] : [];
    if (![...BESIDE_C_KZG, 'get'].some(wanted)) return cases;

    const uploader = await network.user();
    const subject: Subject = { context, network, uploader, ...(await makeFile(network, context)), link: '' };
    const downloader = await network.user();
    await warmUp(subject, downloader);
    const loop = await startKzgLoop(stack, availableParallelism());
    const stream = await StreamLoop.start();
    stack.defer(() => stream.stop());
    return [
      ...casesBeside(loop, BESIDE_C_KZG, (commits) => [
        localCase(subject, () => commits.commitRate(COMMITS_PER_CORE)),
        delegatedCase(subject, () => commits.milliseconds('commit', COMMITS_PER_CORE)),
      ]),
      getCase(subject, downloader, stream),
      ...cases,
    ];
  },
};

/** Threads and code load, connections open, and what comes back is what went in. */
async function warmUp({ context, network, uploader }: Subject, downloader: UserProcess): Promise<void> {
  const path = join(network.folder, 'small');
  await writeFile(path, context.random(K * (PAYLOAD_BYTES - TAG_BYTES)));
  const { link } = await uploader.call({ op: 'add', path, commitments: 'local' });
  const to = join(network.folder, 'back');
  await downloader.call({ op: 'get', link, to });
  if ((await digestOf(to)) !== (await digestOf(path))) throw new Error('the file came back changed');
  await context.clock.sleep(SETTLE_MS, context.signal);
}

function localCase(subject: Subject, bound: () => Promise<number>): BenchCase {
  const { context, network, uploader, bytes } = subject;
  const watch = new MemoryWatch(context.clock, new Map([...network.pids, ['uploader', uploader.pid]]));
  const size = `${(bytes / MEGABYTE).toFixed(0)} MB, ${K}+${M}`;
  return {
    name: 'add',
    unit: 'MB/s',
    boundedBy: `c-kzg in a loop on all cores, the data shards only; ${size}`,
    target: 0.75,
    maxRounds: context.long ? 1 : ADD_ROUNDS,
    also: [
      {
        name: 'add.all-shards',
        boundedBy: `c-kzg in a loop on all cores, all ${K + M} shards of each stripe, as a byte code needs`,
        factor: K / (K + M),
        target: 3,
      },
    ],
    memory: () => watch.peaks,
    bound,
    product: async () => {
      const { milliseconds } = await watch.during(() => addFile(subject, 'local'));
      await context.clock.sleep(SETTLE_MS, context.signal);
      return megabytesPerSecond(bytes, milliseconds);
    },
  };
}

/** What the uploader's own processor is asked for when its holders commit and it only checks them. */
function delegatedCase(subject: Subject, commitMilliseconds: () => Promise<number>): BenchCase {
  const { context, network, uploader, bytes } = subject;
  const watch = new MemoryWatch(context.clock, new Map([...network.pids, ['uploader', uploader.pid]]));
  return {
    name: 'add.delegated',
    unit: 'CPU s/GiB',
    boundedBy: 'c-kzg, the commitments of the data shards alone; the process that adds, all its threads',
    target: 10,
    maxRounds: 1,
    memory: () => watch.peaks,
    bound: async () => ((await commitMilliseconds()) / 1000) * (GIB / PAYLOAD_BYTES),
    product: async () => {
      const { cpuSeconds } = await watch.during(() => addFile(subject, 'delegated'));
      await context.clock.sleep(SETTLE_MS, context.signal);
      return (cpuSeconds / bytes) * GIB;
    },
  };
}

function getCase(subject: Subject, downloader: UserProcess, stream: StreamLoop): BenchCase {
  const { context, network, bytes } = subject;
  const watch = new MemoryWatch(context.clock, new Map([...network.pids, ['downloader', downloader.pid]]));
  return {
    name: 'get',
    unit: 'MB/s',
    boundedBy: 'one libp2p stream (TCP, noise, yamux) from another process',
    target: 0.5,
    ...(context.long ? { maxRounds: ADD_ROUNDS } : { repeat: GETS_PER_ROUND }),
    memory: () => watch.peaks,
    bound: () => stream.rate(Math.ceil(bytes / BLOB_BYTES)),
    product: async () => {
      if (subject.link === '') {
        await addFile(subject, 'local');
        await context.clock.sleep(SETTLE_MS, context.signal);
      }
      const { milliseconds } = await watch.during(() => downloader.call({ op: 'get', link: subject.link }));
      return megabytesPerSecond(bytes, milliseconds);
    },
  };
}

async function addFile(subject: Subject, commitments: 'local' | 'delegated'): Promise<UserAnswer> {
  const answer = await subject.uploader.call({ op: 'add', path: subject.path, commitments });
  subject.link = answer.link;
  return answer;
}

/** `holdfast add` of ten kilobytes at a running daemon, from the start of the command to its end. */
async function smallCase(
  stack: AsyncDisposableStack,
  network: BenchNetwork,
  context: BenchContext,
): Promise<BenchCase> {
  const { clock, random, signal } = context;
  const home = join(network.folder, 'daemon');
  await DaemonProcess.initialise(context, home);
  const env = {
    HOLDFAST_NETWORK_NAME: network.name,
    HOLDFAST_NETWORK_LISTEN: '/ip4/127.0.240.1/tcp/0',
    HOLDFAST_NETWORK_BOOTSTRAP: network.addresses.join(','),
    HOLDFAST_LAB_ENABLED: 'true',
  };
  const daemon = await DaemonProcess.start(context, { home, env });
  stack.defer(() => daemon.stop());
  const late = clock.monotonic() + GATHER_LIMIT_MS;
  while ((await daemon.peers(signal)) < network.addresses.length) {
    if (clock.monotonic() > late) throw new Error('the daemon has not heard of all holders in time');
    await clock.sleep(GATHER_POLL_MS, signal);
  }
  const path = join(network.folder, 'ten-kilobytes');
  // Each file is another: one that is known already would not be sent.
  const addNew = async () => {
    await writeFile(path, random(SMALL_BYTES));
    return timed(clock, () => runCommand(context, ['add', path, '-q'], { home }));
  };
  const watch = new MemoryWatch(clock, new Map([...network.pids, ['daemon', daemon.pid]]));
  await addNew();
  return {
    name: 'add.small',
    unit: 'ms',
    boundedBy: 'the goal; the whole command, 10 KiB, a daemon with 24 peers that is at rest',
    target: 1,
    memory: () => watch.peaks,
    bound: async () => SMALL_GOAL_MS,
    product: async () => {
      // What follows the start of 25 nodes, or the last upload, is not what a command costs.
      await clock.sleep(SETTLE_MS, signal);
      return watch.during(addNew);
    },
  };
}

/** Random bytes: they do not compress, and no shard is like another. */
async function makeFile(
  network: BenchNetwork,
  { long, random, signal }: BenchContext,
): Promise<{ path: string; bytes: number }> {
  const path = join(network.folder, 'file');
  const bytes = long ? GIB : FILE_BYTES;
  await rm(path, { force: true });
  await using file = await open(path, 'wx');
  for (let left = bytes; left > 0; left -= PIECE_BYTES) {
    signal.throwIfAborted();
    await file.appendFile(random(Math.min(left, PIECE_BYTES)));
  }
  return { path, bytes };
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  return hash.digest('hex');
}

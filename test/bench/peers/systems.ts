import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContext } from '../../../node/bench/bench-context.ts';
import { BenchNetwork, type UserProcess } from '../../../node/bench/network/bench-network.ts';
import { ForkedProcess } from '../../../node/bench/network/forked-process.ts';
import type { ComparedSystem } from '../../../scripts/performance/peers-report.ts';

/** Two processes of one system: one adds, the other fetches. */
export interface Pair {
  readonly name: ComparedSystem['name'];
  readonly version: string;
  readonly what: string;
  readonly adder: UserProcess;
  readonly getter: UserProcess;
}

type StartPair = (stack: AsyncDisposableStack, context: BenchContext, folder: string) => Promise<Pair>;

const startHoldfast: StartPair = async (stack, context) => {
  const network = await BenchNetwork.start(context);
  stack.defer(() => network.stop());
  return {
    name: 'Holdfast',
    version: versionOf('../../../package.json'),
    what: 'encrypted, 16+8 coded, committed, spread over 24 holders that check and sign before `add` ends',
    adder: await network.user(),
    getter: await network.user(),
  };
};

const startHelia: StartPair = async (stack, { signal }, folder) => ({
  name: 'Helia',
  version: versionOf('./node_modules/helia/package.json'),
  what: 'hashed into blocks of the local LevelDB; `get` by bitswap from that one peer',
  ...(await twoProcesses(new URL('./helia-process.ts', import.meta.url), stack, signal, join(folder, 'helia'))),
});

const startHyperdrive: StartPair = async (stack, { signal }, folder) => ({
  name: 'Hyperdrive',
  version: versionOf('./node_modules/hyperdrive/package.json'),
  what: 'appended to a signed local log; `get` by replication from that one peer',
  ...(await twoProcesses(new URL('./hyperdrive-process.ts', import.meta.url), stack, signal, join(folder, 'hyper'))),
});

export const SYSTEMS: readonly StartPair[] = [startHoldfast, startHelia, startHyperdrive];

async function twoProcesses(module: URL, stack: AsyncDisposableStack, signal: AbortSignal, folder: string) {
  const start = async (name: string, others: readonly string[]): Promise<UserProcess> => {
    const own = join(folder, name);
    await mkdir(own, { recursive: true });
    const started: UserProcess = await ForkedProcess.start(module, [own, ...others], signal);
    stack.defer(() => started.stop());
    return started;
  };
  const adder = await start('adder', []);
  return { adder, getter: await start('getter', [adder.ready]) };
}

/** Packages do not export their manifests. */
function versionOf(manifest: string): string {
  const text = readFileSync(new URL(manifest, import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

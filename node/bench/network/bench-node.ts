import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../clock.ts';
import { resolveConfig } from '../../config/config.ts';
import { markFresh } from '../../config/fresh-home.ts';
import { tuneHeap } from '../../heap.ts';
import { identityFromSeed } from '../../identity/identity.ts';
import type { KzgEngine } from '../../kzg/engine.ts';
import { silentLogger } from '../../log.ts';
import { createNode, type HoldfastNode } from '../../node.ts';
import { systemRandom } from '../../random.ts';

const CAPACITY_BYTES = 64 * 1024 ** 3;

export interface BenchNodeOptions {
  /** Listens on 127.0.number.1, so that each node has a subnet of its own. */
  readonly number: number;
  /** Name of the network. */
  readonly network: string;
  /** The home of the node is made in this folder. */
  readonly folder: string;
  /** Absent: the node has one of its own. */
  readonly engine?: KzgEngine;
}

/** A node with nothing special about it but its address and a new home, in a process set up as a daemon is. */
export async function startBenchNode(options: BenchNodeOptions): Promise<HoldfastNode> {
  tuneHeap();
  const { number, network, folder, engine } = options;
  const home = join(folder, `node-${number}`);
  await mkdir(home, { recursive: true, mode: 0o700 });
  await markFresh(home);
  const node = await createNode({
    home,
    identity: identityFromSeed(systemRandom(32)),
    resolved: resolveConfig({
      flags: new Map([
        ['network.name', network],
        ['network.listen', `/ip4/127.0.${number}.1/tcp/0`],
        ['storage.capacity', String(CAPACITY_BYTES)],
        ['storage.peerQuota', String(CAPACITY_BYTES)],
        ['storage.stagedQuota', String(CAPACITY_BYTES)],
        ['lab.enabled', 'true'],
        ['audit.enabled', 'false'],
      ]),
    }),
    version: 'bench',
    log: silentLogger,
    clock: systemClock,
    ...(engine === undefined ? {} : { engine }),
  });
  try {
    await node.start();
  } catch (error) {
    await node.stop();
    throw error;
  }
  return node;
}

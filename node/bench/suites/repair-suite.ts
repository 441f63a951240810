import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabNetwork } from '../../lab/lab-network.ts';
import { silentLogger } from '../../log.ts';
import type { BenchContext } from '../bench-context.ts';
import type { BenchSuite } from '../harness.ts';

const K = 8;
const M = 4;
/** An owner, a holder for each shard of a stripe, and some who may take what is lost. */
const NODES = 1 + K + M + 3;
const OWNER = 1;
const MIB = 2 ** 20;
const FILE_BYTES = 64 * MIB;
const CAPACITY_BYTES = 1024 * MIB;
const GRACE_SECONDS = 5;
const CHECK_SECONDS = 10;
/** Until all holders have looked after the file twice: the first time they meet the others. */
const SETTLE_MS = 3 * CHECK_SECONDS * 1000;
const POLL_MS = 250;
const LIMIT_MS = 600_000;
const GOAL_SECONDS = 60;

/**
 * From when a lost holder counts as gone until every shard it had has a new holder, in a network without the owner: one of
 * the other holders notices, looks around, fetches, rebuilds and places, within the traffic that a repair is allowed.
 */
export const repairSuite: BenchSuite = {
  names: ['repair'],
  async start(stack, context) {
    const lab = new LabNetwork({
      nodes: NODES,
      folder: await mkdtemp(join(tmpdir(), 'holdfast-bench-repair-')),
      capacityBytes: CAPACITY_BYTES,
      clock: context.clock,
      random: context.random,
      log: silentLogger,
      version: 'bench',
      config: new Map([
        ['storage.writeBuffer', '8MiB'],
        ['audit.enabled', 'false'],
        ['repair.grace', `${GRACE_SECONDS}s`],
        ['repair.checkInterval', `${CHECK_SECONDS}s`],
        ['repair.threshold', '0'],
      ]),
    });
    stack.defer(() => lab.stop());
    await lab.start(context.signal);
    return [
      {
        name: 'repair',
        unit: 's',
        boundedBy: `the goal; ${FILE_BYTES / MIB} MiB, ${K}+${M}, one holder lost for good, the owner gone`,
        target: 1,
        maxRounds: 1,
        bound: async () => GOAL_SECONDS,
        product: () => repairSeconds(lab, context),
      },
    ];
  },
};

async function repairSeconds(lab: LabNetwork, { clock, random, signal }: BenchContext): Promise<number> {
  const owner = lab.node(OWNER);
  const { root } = await owner.node.services.files.add(content(random), {
    kind: 'file',
    code: { k: K, m: M },
    onProgress: () => undefined,
    signal,
  });
  const { worst } = await owner.node.services.files.health(root, { worst: 1, signal });
  const peer = worst[0]?.holders[0]?.[0];
  const lost = lab.nodes.find(({ node }) => node.peerId === peer);
  if (lost === undefined) throw new Error('the first shard has no holder');
  await lab.killNode(OWNER);
  await clock.sleep(SETTLE_MS, signal);

  const [observer] = lab.nodes.filter(({ running, number }) => running && number !== lost.number);
  const isWhole = async () => {
    const health = await observer?.node.services.files.health(root, { worst: 0, signal });
    return health !== undefined && health.presentShards === health.shards;
  };
  const ended = () => lab.nodes.some(({ node }) => node.services.repairs.overview().results.length > 0);
  const confirmed = clock.monotonic() + GRACE_SECONDS * 1000;
  await lab.killNode(lost.number);
  // A look asks every node, all of which share this process: only once somebody says that a repair has ended.
  while (!(ended() && (await isWhole()))) {
    if (clock.monotonic() > confirmed + LIMIT_MS) throw new Error('the file was not repaired in time');
    await clock.sleep(POLL_MS, signal);
  }
  return (clock.monotonic() - confirmed) / 1000;
}

async function* content(random: BenchContext['random']): AsyncGenerator<Uint8Array> {
  for (let left = FILE_BYTES; left > 0; left -= MIB) yield random(MIB);
}

import { dataShardCount, stripeCount } from '../../../protocol/geometry.ts';
import { chooseCode } from '../../transfer/upload-options.ts';
import { shardDiskBytes } from '../demo-plan.ts';
import type { LabScenario } from './lab-scenario.ts';

/**
 * What the files of a scenario take on the disk of this machine, in bytes: every shard of each of them, whichever node has
 * it. Repairs put a shard in the place of one that was lost, so that they add little.
 */
export function filesDiskBytes({ files, nodes, code }: Pick<LabScenario, 'files' | 'nodes' | 'code'>): number {
  const { k, m } = chooseCode({ code }, nodes - 1);
  const shards = files.reduce((sum, { size, count }) => {
    const layout = { payload: 'packed31', size, code: { id: 1, k, m } } as const;
    return sum + count * (dataShardCount(layout) + stripeCount(layout) * m);
  }, 0);
  return shardDiskBytes(shards);
}

import type { CID } from 'multiformats/cid';
import type { RepairReport, RepairsService } from '../api/repairs-service.ts';
import type { Repairs } from '../repair/repairs.ts';
import type { Watcher } from '../repair/watcher.ts';
import { asApi } from './api-failure.ts';
import { rootOf } from './root-argument.ts';

export interface RepairsServiceDeps {
  readonly repairs: Pick<Repairs, 'queue' | 'running' | 'results' | 'totals' | 'run'>;
  readonly watcher: Pick<Watcher, 'alarms' | 'size'>;
  readonly catalog: { list(options: { signal?: AbortSignal }): AsyncIterable<{ readonly root: CID }> };
}

/** Repairs as the API offers them. */
export function createRepairsService({ repairs, watcher, catalog }: RepairsServiceDeps): RepairsService {
  return {
    overview: () => ({
      queue: repairs.queue().map(({ root, segment, stripes, daysToLoss, margin, since }) => {
        return { root, segment, stripes, daysToLoss, margin, since };
      }),
      running: repairs.running(),
      results: repairs.results(),
      alarms: watcher.alarms(),
      totals: repairs.totals(),
      watched: watcher.size,
    }),
    run: (root, signal) =>
      asApi(async () => {
        if (root !== undefined) return repairs.run(rootOf(root), signal);
        const reports: RepairReport[] = [];
        for await (const entry of catalog.list({ signal })) reports.push(...(await repairs.run(entry.root, signal)));
        return reports;
      }),
  };
}

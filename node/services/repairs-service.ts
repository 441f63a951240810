import type { CID } from 'multiformats/cid';
import { ApiError } from '../api/problem.ts';
import type { RepairReport, RepairsService } from '../api/repairs-service.ts';
import type { Clock } from '../clock.ts';
import type { Repairs } from '../repair/repairs.ts';
import type { Watcher } from '../repair/watcher.ts';
import { apiFailure, asApi } from './api-failure.ts';
import { rootOf } from './root-argument.ts';

export interface RepairsServiceDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly repairs: Pick<Repairs, 'queue' | 'running' | 'results' | 'totals' | 'run'>;
  readonly watcher: Pick<Watcher, 'alarms' | 'size'>;
  readonly catalog: { list(options: { signal?: AbortSignal }): AsyncIterable<{ readonly root: CID }> };
}

/** Repairs as the API offers them. */
export function createRepairsService({ clock, repairs, watcher, catalog }: RepairsServiceDeps): RepairsService {
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
        for await (const { root: cid } of catalog.list({ signal })) {
          const startedAt = clock.now();
          try {
            reports.push(...(await repairs.run(cid, signal)));
          } catch (error) {
            signal.throwIfAborted();
            // One file that cannot even be looked at does not keep the others; a node that stops does.
            const failure = apiFailure(error);
            if (!(failure instanceof ApiError) || failure.code === 'not-ready') throw failure;
            reports.push(failed(cid, startedAt, clock.now(), failure.message));
          }
        }
        return reports;
      }),
  };
}

/** Its manifest could not be had, so that nothing is known of its segments but that there is a first one. */
function failed(root: CID, startedAt: number, endedAt: number, detail: string): RepairReport {
  const none = { stripes: 0, placed: 0, fetched: 0, sent: 0 };
  const milliseconds = endedAt - startedAt;
  return { root: root.toString(), segment: 0, startedAt, milliseconds, outcome: 'failed', ...none, detail };
}

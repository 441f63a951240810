import type { ScrubProgress, ScrubReport } from '../api/scrub-report.ts';
import { isFresh } from '../config/fresh-home.ts';
import type { Logger } from '../log.ts';
import { Scrubber } from '../scrub/scrubber.ts';
import { reportOf } from '../services/storage-service.ts';
import type { NodeOptions } from './node-options.ts';
import { openNodeStores } from './stores.ts';

export interface StoppedScrubOptions extends Pick<NodeOptions, 'home' | 'resolved' | 'clock'> {
  readonly log: Logger;
  readonly onProgress: (progress: ScrubProgress) => void;
  readonly signal: AbortSignal;
}

/**
 * Reads and checks everything that a stopped node stores, and notes what is lost for its next start. Undefined when the node
 * has never run. @throws StoreError home-in-use, damaged-home, …
 */
export async function scrubStopped(options: StoppedScrubOptions): Promise<ScrubReport | undefined> {
  const { home, resolved, clock, log, onProgress, signal } = options;
  if (await isFresh(home)) return undefined;
  const stores = await openNodeStores({ home, resolved, clock, log });
  try {
    const totalShards = stores.shards.usage().shards;
    const { config } = resolved;
    const scrubber = new Scrubber({
      shards: stores.shards,
      store: stores.scrub,
      clock,
      log,
      cycleMs: config['scrub.cycle'],
      bytesPerSecond: config['scrub.readRate'],
      onDone: () => undefined,
    });
    return reportOf(await scrubber.now(signal, (counts) => onProgress({ ...counts, totalShards })));
  } finally {
    await stores.close();
  }
}

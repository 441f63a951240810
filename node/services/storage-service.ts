import { SHARD_BYTES } from '../../protocol/constants.ts';
import type { ScrubDescription, ScrubReport } from '../api/scrub-report.ts';
import type { StorageDescription, StorageService } from '../api/services.ts';
import type { Scrubber } from '../scrub/scrubber.ts';
import type { FinishedScrub, ScrubCounts } from '../store/scrub-store.ts';
import type { Stores } from '../store/stores.ts';
import { asApi } from './api-failure.ts';

export interface StorageDeps {
  readonly stores: Pick<Stores, 'shards'>;
  readonly scrubber: Pick<Scrubber, 'status' | 'now'>;
}

/** What is stored, and the reading of it, as the API offers them. */
export function createStorageService({ stores, scrubber }: StorageDeps): StorageService {
  return {
    usage: () => usage(stores, describe(scrubber.status())),
    scrub: ({ onProgress, signal }) =>
      asApi(async () => {
        const totalShards = stores.shards.usage().shards;
        const tell = (counts: ScrubCounts) => onProgress({ ...counts, totalShards });
        return reportOf(await scrubber.now(signal, tell));
      }),
  };
}

async function usage({ shards }: Pick<Stores, 'shards'>, scrub: ScrubDescription): Promise<StorageDescription> {
  const { byOwner, shards: count, ...bytes } = shards.usage();
  let damagedShards = 0;
  for await (const _ of shards.damaged()) damagedShards++;
  return { ...bytes, shards: count, damagedShards, scrub };
}

function describe({ pass, last, nextAt }: ReturnType<Scrubber['status']>): ScrubDescription {
  return {
    ...(pass && { pass: { startedAt: pass.startedAt, ...countsOf(pass) } }),
    ...(last && { last: reportOf(last) }),
    nextAt,
  };
}

export function reportOf(pass: FinishedScrub): ScrubReport {
  const { startedAt, finishedAt } = pass;
  return { startedAt, finishedAt, ...countsOf(pass), bytes: pass.checkedShards * SHARD_BYTES };
}

const countsOf = ({ checkedShards, damagedShards, unreadableShards }: ScrubCounts): ScrubCounts => ({
  checkedShards,
  damagedShards,
  unreadableShards,
});

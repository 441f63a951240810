import type { ScrubProgress, ScrubReport } from '../../node/api/scrub-report.ts';
import { systemClock } from '../../node/clock.ts';
import { scrubStopped } from '../../node/compose/stopped-scrub.ts';
import { loadConfig } from '../../node/config/load.ts';
import { silentLogger } from '../../node/log.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { ApiClient } from '../api-client.ts';
import { formatBytes, plural } from '../format.ts';
import { type Progress, startProgress } from '../progress.ts';
import { streamedCall } from '../streamed-call.ts';
import { type Finding, failed, fine, type Patient } from './finding.ts';

const BROKE_OFF = 'the node stopped before all was read: start it and run `holdfast doctor --scrub` again';

/** Reads and checks everything that is stored, through the running node or in its place. Undefined for a new home. */
export async function scrub({ context, running }: Patient): Promise<ScrubReport | undefined> {
  let bar: Progress | undefined;
  const onProgress = ({ checkedShards, totalShards }: ScrubProgress) => {
    if (totalShards === 0) return;
    bar ??= startProgress(context, 'reading', totalShards * SHARD_BYTES);
    bar.update(checkedShards * SHARD_BYTES);
  };
  try {
    if (running) {
      const call = { method: 'POST', path: '/v1/storage/scrub' } as const;
      const client = await ApiClient.of(context);
      return await streamedCall<ScrubProgress, ScrubReport>(client, call, onProgress, BROKE_OFF);
    }
    const { home, environment, signal } = context;
    const resolved = await loadConfig({ home, environment });
    return await scrubStopped({ home, resolved, clock: systemClock, log: silentLogger, onProgress, signal });
  } finally {
    bar?.end();
  }
}

export function scrubFinding(report: ScrubReport | undefined): Finding {
  if (report === undefined) return fine('scrub', 'nothing is stored yet');
  const { checkedShards, damagedShards, unreadableShards, bytes } = report;
  const read = `${plural(checkedShards, 'shard')} read (${formatBytes(bytes)})`;
  if (isClean(report)) return fine('scrub', `${read}, none damaged`);
  const found = `${read}, ${damagedShards} damaged, ${unreadableShards} unreadable`;
  return failed('scrub', found, 'check the disk; what is damaged is declared lost and repaired from the network');
}

export function isClean({ damagedShards, unreadableShards }: ScrubReport): boolean {
  return damagedShards === 0 && unreadableShards === 0;
}

import type { LeaveProgress, LeaveReport } from '../../node/api/leave-service.ts';
import type { NodeDescription } from '../../node/api/services.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { ApiClient } from '../api-client.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatBytes, plural } from '../format.ts';
import { printable, writeNote, writeResult } from '../output.ts';
import { type Progress, startProgress } from '../progress.ts';
import { streamedCall } from '../streamed-call.ts';
import { stopNode } from './node.ts';

export interface LeaveArguments {
  /** Stop the node once nothing remains. */
  readonly shutdown: boolean;
  readonly cancel: boolean;
}

const BROKE_OFF = 'the node stopped before all was handed over: start it and run `holdfast leave` again, it will go on';

/** Hands over what the node holds for others, then stops it. A node of which something remains runs on. */
export async function leave(context: CommandContext, options: LeaveArguments): Promise<ExitCode> {
  if (options.cancel) return cancel(context);
  // The time limit is that of the hand-over, not of the node's silence.
  const client = await ApiClient.of({ ...context, timeoutMs: undefined });
  const { files } = await client.json<NodeDescription>({ method: 'GET', path: '/v1/node' });
  const report = await handOver(context, client);
  const stops = options.shutdown && report.remaining === 0;
  if (stops) await stopNode({ ...context, timeoutMs: undefined }, client);
  if (stops && files > 0) {
    writeNote(context, `warning: ${plural(files, 'file')} of this node stay with their holders: keep their links`);
  }
  await writeResult(context, {
    json: { ...report, stopped: stops },
    text: () => describe(report, stops),
    quiet: () => String(report.remaining),
  });
  if (report.remaining === 0) return EXIT.ok;
  return report.timedOut ? EXIT.timeout : EXIT.degraded;
}

async function cancel(context: CommandContext): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  await client.json({ method: 'DELETE', path: '/v1/node/leave' });
  const text = () => 'the node takes new shards again';
  await writeResult(context, { json: { leaving: false }, text, quiet: () => '' });
  return EXIT.ok;
}

async function handOver(context: CommandContext, client: ApiClient): Promise<LeaveReport> {
  let bar: Progress | undefined;
  const onProgress = ({ shards, doneShards }: LeaveProgress) => {
    if (shards === 0) return;
    bar ??= startProgress(context, 'handing over', shards * SHARD_BYTES);
    bar.update(doneShards * SHARD_BYTES);
  };
  const json = context.timeoutMs === undefined ? {} : { timeoutMs: Math.ceil(context.timeoutMs) };
  try {
    const call = { method: 'POST', path: '/v1/node/leave', json } as const;
    return await streamedCall<LeaveProgress, LeaveReport>(client, call, onProgress, BROKE_OFF);
  } catch (error) {
    if (!(error instanceof CliError && error.code === 'interrupted')) throw error;
    throw new CliError(
      'interrupted',
      'interrupted: the node takes nothing new; run `holdfast leave` again to go on, or `holdfast leave --cancel` to stay',
    );
  } finally {
    bar?.end();
  }
}

function describe(report: LeaveReport, stopped: boolean): string {
  const { shards, elsewhere, placed, lost, remaining, sentBytes, timedOut, failures } = report;
  const lines = [
    `${placed} of ${plural(shards, 'shard')} handed over (${formatBytes(sentBytes)} sent)` +
      (elsewhere === 0 ? '' : `, ${elsewhere} with others already`) +
      (lost === 0 ? '' : `, ${lost} lost here and left to repair`),
  ];
  for (const { segment, shards: count, reason } of failures) {
    lines.push(`${plural(count, 'shard')} of ${segment} remain: ${printable(reason)}`);
  }
  if (remaining > 0) {
    const why = timedOut ? 'the time was over' : 'nobody took them';
    lines.push(
      `${plural(remaining, 'shard')} remain (${why}): run \`holdfast leave\` again, or \`holdfast leave --cancel\` to stay`,
    );
  }
  if (stopped) lines.push('the node has stopped');
  else lines.push(remaining > 0 ? 'the node runs on and takes nothing new' : 'the node may be stopped for good');
  return lines.join('\n');
}

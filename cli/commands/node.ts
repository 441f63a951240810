import type { HealthReason, NodeDescription, StorageDescription } from '../../node/api/services.ts';
import { ApiClient } from '../api-client.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatBytes, formatDuration, formatTime, plural } from '../format.ts';
import { printable, table, writeResult } from '../output.ts';
import { isStopping } from '../running-node.ts';

/** Shows the node's identity and addresses. */
export async function id(context: CommandContext): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  const node: NodeDescription = await client.json({ method: 'GET', path: '/v1/node' });
  const { peer, publicKey, network, addresses } = node;
  await writeResult(context, {
    json: { peer, publicKey, network, addresses },
    text: () => table([['peer', peer], ['network', network], ...addresses.map((address) => ['address', address])]),
    quiet: () => peer,
  });
  return EXIT.ok;
}

/** Shows what the running node does and how well it is. */
export async function status(context: CommandContext): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  const node: NodeDescription = await client.json({ method: 'GET', path: '/v1/node' });
  const storage: StorageDescription = await client.json({ method: 'GET', path: '/v1/storage' });
  const health = await readReasons(client);
  const uptime = (Date.now() - node.startedAt) / 1000;
  await writeResult(context, {
    json: { ...node, storage, health },
    text: () =>
      table([
        ['peer', node.peer],
        ['network', node.network],
        ['version', node.version],
        ['up', formatDuration(uptime)],
        ['peers', plural(node.connectedPeers, 'connection')],
        ...(node.leaving ? [['leaving', 'it takes nothing new: see `holdfast leave`']] : []),
        ['files', String(node.files)],
        ...(node.repairAlarms === 0
          ? []
          : [['alarm', `${plural(node.repairAlarms, 'file')} cannot be rebuilt now: see \`holdfast repair ls\``]]),
        [
          'stored',
          `${formatBytes(storage.usedBytes)} of ${formatBytes(storage.capacityBytes)} in ${plural(storage.shards, 'shard')}` +
            (storage.damagedShards === 0 ? '' : `, ${storage.damagedShards} damaged`),
        ],
        ...(storage.trashBytes === 0 ? [] : [['trash', `${formatBytes(storage.trashBytes)}, which count as free`]]),
        ['scrub', scrubText(storage.scrub)],
        ['proofs', `${node.kzg.backend}, ${plural(node.kzg.threads, 'thread')}`],
        ...health.map((reason) => [reason.ok ? 'ok' : 'not ok', `${reason.component}: ${printable(reason.detail)}`]),
      ]),
    quiet: () => (health.every((reason) => reason.ok) ? 'ok' : 'not ok'),
  });
  return EXIT.ok;
}

function scrubText({ pass, last, nextAt }: StorageDescription['scrub']): string {
  if (pass !== undefined) {
    const since = formatTime(pass.startedAt);
    return `${plural(pass.checkedShards, 'shard')} read since ${since}, ${pass.damagedShards} damaged`;
  }
  if (last === undefined) return 'not yet';
  const { finishedAt, checkedShards, damagedShards } = last;
  const found = damagedShards === 0 ? 'none damaged' : `${damagedShards} damaged`;
  return `${plural(checkedShards, 'shard')} read by ${formatTime(finishedAt)}, ${found}; next ${formatTime(nextAt)}`;
}

/** `/healthz` answers 503 with the same body when something is wrong; that is a finding, not a failure. */
export async function readReasons(client: ApiClient): Promise<readonly HealthReason[]> {
  const { reasons } = await client.json<{ reasons: readonly HealthReason[] }>({
    method: 'GET',
    path: '/healthz',
    acceptUnavailable: true,
  });
  return reasons;
}

const SHUTDOWN_LIMIT_MS = 60_000;
const SHUTDOWN_POLL_MS = 100;

/** Stops the running node and waits until it is gone. */
export async function shutdown(context: CommandContext): Promise<ExitCode> {
  await stopNode(context, await ApiClient.of(context));
  await writeResult(context, { json: { stopped: true }, text: () => 'the node has stopped', quiet: () => '' });
  return EXIT.ok;
}

/** Asks the node to stop and waits until it is gone. @throws CliError timed-out */
export async function stopNode(context: CommandContext, client: ApiClient): Promise<void> {
  await client.json({ method: 'POST', path: '/v1/shutdown', json: {} });
  const limit = context.timeoutMs ?? SHUTDOWN_LIMIT_MS;
  const until = performance.now() + limit;
  while (await isStopping(context.home)) {
    if (performance.now() > until) {
      throw new CliError('timed-out', `the node did not stop within ${limit / 1000} s: see its log`);
    }
    await new Promise((resolve) => setTimeout(resolve, SHUTDOWN_POLL_MS));
    context.signal.throwIfAborted();
  }
}

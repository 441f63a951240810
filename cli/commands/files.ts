import type {
  CatalogEntry,
  CatalogPage,
  FileHealth,
  ManifestDescription,
  ReleaseResult,
} from '../../node/api/services.ts';
import { ApiClient } from '../api-client.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, EXIT_BY_VERDICT, type ExitCode } from '../exit-codes.ts';
import { exitOfFailed, type FailedFile, failedFile, tellFailed } from '../failed-files.ts';
import { formatBytes, formatTime, plural } from '../format.ts';
import { parseFileArgument } from '../link-argument.ts';
import { printable, table, writeResult } from '../output.ts';

const PAGE = 500;
const HEALTH_TIMEOUT_MS = 600_000;

/** All files this node added, page by page. */
export async function* catalog(client: ApiClient): AsyncGenerator<CatalogEntry> {
  let after: string | undefined;
  do {
    const page: CatalogPage = await client.json({ method: 'GET', path: '/v1/files', query: { after, limit: PAGE } });
    yield* page.files;
    after = page.next;
  } while (after !== undefined);
}

/** Lists the files that this node added. */
export async function ls(context: CommandContext): Promise<ExitCode> {
  const client = await ApiClient.of(context);
  const files = await Array.fromAsync(catalog(client));
  await writeResult(context, {
    json: { files },
    text: () =>
      table(
        files.map((file) => [
          formatTime(file.created),
          formatBytes(file.size).padStart(9),
          `${file.code.k}+${file.code.m}`,
          printable(file.name ?? '-') + (file.kind === 'tree' ? '/' : ''),
          file.link,
        ]),
      ),
    quiet: () => files.map((file) => file.link).join('\n'),
  });
  return EXIT.ok;
}

/** Shows what a file is and how well it is. */
export async function stat(context: CommandContext, linkText: string): Promise<ExitCode> {
  const { root } = parseFileArgument(linkText);
  const client = await ApiClient.of(context);
  const manifest: ManifestDescription = await client.json({ method: 'GET', path: `/v1/files/${root}/manifest` });
  const health = await readHealth(client, root, 0);
  await writeResult(context, {
    json: { ...manifest, health },
    text: () =>
      table([
        ['root', manifest.root],
        ...(health.name === undefined ? [] : [['name', printable(health.name)]]),
        ['kind', manifest.kind],
        ['size', `${formatBytes(manifest.size)} (${manifest.size} bytes)`],
        ['code', `${manifest.code.k}+${manifest.code.m} (${manifest.code.name})`],
        ['cipher', printable(manifest.cipher)],
        ['created', formatTime(manifest.created)],
        ['owner', manifest.owner],
        ['stripes', `${manifest.stripes} in ${plural(manifest.segments.length, 'segment')}`],
        ['shards', `${health.presentShards} of ${manifest.shards} present on ${plural(health.holders, 'peer')}`],
        ['health', describeHealth(health)],
        ['days to loss', `${formatDays(health.daysToLoss)} if nobody repairs it`],
      ]),
    quiet: () => health.verdict,
  });
  return EXIT_BY_VERDICT[health.verdict];
}

export function readHealth(client: ApiClient, root: string, worst: number): Promise<FileHealth> {
  const path = `/v1/files/${root}/health`;
  return client.json({ method: 'GET', path, query: { worst }, timeoutMs: HEALTH_TIMEOUT_MS });
}

/** In a line: shards that are lost, away and crowded are told apart. */
export function describeHealth(health: FileHealth): string {
  const { verdict, degradedStripes, lostStripes, stripes, minimumMargin, shards, presentShards } = health;
  const { suspectedShards, clumpedShards } = health;
  const lost = shards - presentShards - suspectedShards;
  const crowded = clumpedShards === 0 ? [] : [`${plural(clumpedShards, 'shard')} clumped in a subnet`];
  const away = suspectedShards === 0 ? [] : [`${plural(suspectedShards, 'shard')} suspected: holders are away`];
  const gone = lost === 0 ? [] : [`${plural(lost, 'shard')} lost`];
  const listed = [...gone, ...away, ...crowded].join(', ');
  if (verdict === 'healthy') {
    return [`healthy: every shard is present, ${minimumMargin} more than needed`, ...crowded].join('; ');
  }
  const of = plural(stripes, 'stripe');
  if (verdict === 'lost') return `lost: ${lostStripes} of ${of} cannot be rebuilt now; ${listed}`;
  const what =
    lost === 0
      ? `nothing is lost, holders of ${degradedStripes} of ${of} are away`
      : `${degradedStripes} of ${of} lack shards`;
  return `degraded: ${what}, at worst ${minimumMargin} above what is needed; ${listed}`;
}

/** An estimate: more digits than this would promise too much. */
export function formatDays(days: number): string {
  return days >= 10 ? `about ${Math.round(days)}` : `about ${days.toPrecision(1)}`;
}

/** Releases files from their holders, each for itself: one that fails does not keep the others. */
export async function rm(context: CommandContext, links: readonly string[]): Promise<ExitCode> {
  const roots = links.map((link) => parseFileArgument(link).root);
  const client = await ApiClient.of(context);
  const released: ReleaseResult[] = [];
  const failed: FailedFile[] = [];
  for (const root of roots) {
    try {
      released.push(await client.json<ReleaseResult>({ method: 'DELETE', path: `/v1/files/${root}` }));
    } catch (error) {
      if (roots.length === 1) throw error;
      failed.push(failedFile(root, error));
    }
  }
  tellFailed(context, failed);
  await writeResult(context, {
    json: { released, failed },
    text: () =>
      released
        .map(({ root, released: done, queued }) => {
          const waiting = queued === 0 ? '' : `, waiting for ${plural(queued, 'peer')} to come back`;
          return `${root} released by ${plural(done, 'peer')}${waiting}`;
        })
        .join('\n'),
    quiet: () => released.map(({ root }) => root).join('\n'),
  });
  return exitOfFailed(failed);
}

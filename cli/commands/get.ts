import { basename } from 'node:path';
import { ApiClient } from '../api-client.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { type Download, download } from '../download.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatBytes } from '../format.ts';
import { type FileArgument, parseFileArgument } from '../link-argument.ts';
import { printable, writeBytes, writeResult } from '../output.ts';
import { createOutputFile, refuseExisting } from '../output-file.ts';
import { type Progress, startProgress } from '../progress.ts';
import { restoreDirectory } from '../restore-directory.ts';

export interface GetArguments {
  /** `-` = stdout; absent = the name in the catalog, or the root. */
  readonly output?: string;
  readonly range?: string;
  readonly force: boolean;
}

/** Fetches a file or directory to a path, or a file to stdout. */
export async function get(context: CommandContext, linkText: string, options: GetArguments): Promise<ExitCode> {
  const file = parseFileArgument(linkText);
  if (options.output !== undefined && options.output !== '-') await refuseExisting(options.output, options.force);
  const client = await ApiClient.of(context);
  const found = await download(client, file, options.range);
  try {
    if (found.head.kind === 'tree') return await getTree(context, client, file, found, options);
    if (options.output === '-') return await toStdout(context, found);
    const target = options.output ?? targetName(found, file);
    const bytes = await toFile(context, found, target, options.force);
    await writeSaved(context, { path: target, root: file.root, bytes, kind: 'file' });
    return EXIT.ok;
  } finally {
    found.cancel();
  }
}

/** Writes a file to stdout. */
export async function cat(context: CommandContext, linkText: string, options: { range?: string }): Promise<ExitCode> {
  return get(context, linkText, { ...options, output: '-', force: false });
}

async function getTree(
  context: CommandContext,
  client: ApiClient,
  file: FileArgument,
  found: Download,
  options: GetArguments,
): Promise<ExitCode> {
  found.cancel();
  if (options.output === '-' || options.range !== undefined) {
    throw new CliError('is-directory', 'the link names a directory: fetch it with `holdfast get <link> -o <folder>`');
  }
  const target = options.output ?? targetName(found, file);
  await refuseExisting(target, options.force);
  const progress = startProgress(context, printable(basename(target)), found.head.size);
  try {
    const entries = await restoreDirectory(client, file, found.head, {
      target,
      force: options.force,
      onBytes: (bytes) => progress.update(bytes),
      signal: context.signal,
    });
    progress.end();
    await writeSaved(context, { path: target, root: file.root, bytes: found.head.size, kind: 'tree', entries });
    return EXIT.ok;
  } finally {
    progress.end();
  }
}

/** The catalog's name is this node's own; still only its last part may choose where we write. */
function targetName(found: Download, file: FileArgument): string {
  const name = basename(found.head.name ?? '');
  return name === '' || name === '.' || name === '..' || name.includes('\0') ? file.root : name;
}

async function toFile(context: CommandContext, found: Download, target: string, force: boolean): Promise<number> {
  const output = await createOutputFile(target, force);
  const progress = startProgress(context, printable(basename(target)), found.length);
  try {
    const bytes = await copy(found, progress, (chunk) => output.write(chunk));
    await output.commit();
    return bytes;
  } finally {
    progress.end();
    await output.discard();
  }
}

async function toStdout(context: CommandContext, found: Download): Promise<ExitCode> {
  const { stdout, signal } = context;
  const label = 'receiving';
  // A bar between the lines of a text that appears on the same terminal would only disturb.
  const progress = startProgress({ ...context, progress: context.progress && !stdout.isTTY }, label, found.length);
  try {
    await copy(found, progress, (chunk) => writeBytes(stdout, chunk, signal));
    return EXIT.ok;
  } finally {
    progress.end();
  }
}

async function copy(found: Download, progress: Progress, write: (chunk: Uint8Array) => Promise<void>): Promise<number> {
  let bytes = 0;
  for await (const chunk of found.chunks) {
    await write(chunk);
    bytes += chunk.length;
    progress.update(bytes);
  }
  return bytes;
}

async function writeSaved(
  context: CommandContext,
  saved: { path: string; root: string; bytes: number; kind: 'file' | 'tree'; entries?: number },
): Promise<void> {
  await writeResult(context, {
    json: saved,
    text: () => `${printable(saved.path)} (${formatBytes(saved.bytes)})`,
    quiet: () => saved.path,
  });
}

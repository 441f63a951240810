import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { ApiClient } from '../api-client.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatBytes, plural } from '../format.ts';
import { printable, writeNote, writeResult } from '../output.ts';
import { startProgress } from '../progress.ts';
import { openSource } from '../source.ts';
import { upload } from '../upload.ts';

export interface AddArguments {
  /** `auto`, `4+2`, `gf256` or `gf256:4+2`. */
  readonly code?: string;
  readonly codeName?: string;
  readonly minShards?: number;
  readonly commitments?: string;
  readonly name?: string;
  readonly resume: boolean;
}

/** Stores a file, a directory or stdin and prints its link. */
export async function add(context: CommandContext, path: string, options: AddArguments): Promise<ExitCode> {
  const code = codeOf(options);
  const client = await ApiClient.of(context);
  const source = await openSource(path, context);
  const progress = startProgress(
    context,
    path === '-' ? 'stdin' : printable(basename(source.name ?? path)),
    source.size,
  );
  try {
    const result = await upload(client, {
      chunks: source.chunks(),
      query: {
        kind: source.kind,
        indexLength: source.indexLength,
        size: source.size,
        name: options.name ?? source.name,
        ...code,
        minShards: options.minShards,
        commitments: options.commitments,
        sourceId: options.resume && source.id !== undefined ? uploadId(source.id, code) : undefined,
      },
      onProgress: ({ bytes }) => progress.update(bytes),
    });
    progress.end();
    for (const warning of result.warnings) writeNote(context, `warning: ${printable(warning)}`);
    await writeResult(context, {
      json: result,
      text: () =>
        [
          result.link,
          `${formatBytes(result.size)} in ${plural(result.stripes, 'stripe')} of ${result.code.k}+${result.code.m} ` +
            `(${result.code.name}): ${plural(result.shards, 'shard')} on ${plural(result.holders, 'peer')}, ` +
            `${formatBytes(result.storedBytes)} stored`,
        ].join('\n'),
      quiet: () => result.link,
    });
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof CliError && error.code === 'interrupted')) throw error;
    const goesOn = options.resume && source.id !== undefined;
    const how = goesOn ? 'run the same command again, and it goes on where it stopped' : 'nothing was added';
    throw new CliError('interrupted', `interrupted: ${how}`);
  } finally {
    progress.end();
    await source.close();
  }
}

interface ChosenCode {
  readonly code?: string;
  readonly codeName?: string;
}

/** The API is told name and numbers apart. @throws CliError usage */
function codeOf({ code = '', codeName }: AddArguments): ChosenCode {
  const isNamed = code !== 'auto' && /^[a-z]/.test(code);
  const [name = codeName, numbers = 'auto'] = isNamed ? code.split(':') : [codeName, code];
  if (codeName !== undefined && name !== codeName) {
    throw new CliError('usage', `--code ${code} and --code-name ${codeName} name two codes: give one`);
  }
  return { ...(numbers === '' ? {} : { code: numbers }), ...(name === undefined ? {} : { codeName: name }) };
}

/** An upload resumes only with the same source and the same choices. */
function uploadId(sourceId: string, { code, codeName }: ChosenCode): string {
  return createHash('sha256')
    .update(JSON.stringify([sourceId, code ?? null, codeName ?? null]))
    .digest('hex');
}

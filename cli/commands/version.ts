import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { writeResult } from '../output.ts';
import { packageVersion } from '../package-version.ts';

export async function version(context: CommandContext): Promise<ExitCode> {
  const text = packageVersion();
  await writeResult(context, {
    json: { version: text, node: process.version, platform: `${process.platform}-${process.arch}` },
    text: () => `holdfast ${text} (Node ${process.version}, ${process.platform}-${process.arch})`,
    quiet: () => text,
  });
  return EXIT.ok;
}

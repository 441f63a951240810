import { checkKey, formatValue, parseValue, type ResolvedConfig } from '../../node/config/config.ts';
import { writeConfigValue } from '../../node/config/config-file.ts';
import { homePaths } from '../../node/config/home.ts';
import { loadConfig } from '../../node/config/load.ts';
import { OPTION_KEYS, OPTIONS, type OptionKey } from '../../node/config/options.ts';
import { createPrivateFolder } from '../../node/config/private-file.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { table, writeResult } from '../output.ts';

function load(context: CommandContext): Promise<ResolvedConfig> {
  return loadConfig({ home: context.home, environment: context.environment });
}

function shown({ config }: ResolvedConfig, key: OptionKey): string | number | boolean | readonly string[] {
  return formatValue(key, config[key]);
}

/** Shows every option as the next daemon would see it. */
export async function configShow(context: CommandContext, options: { origin: boolean }): Promise<ExitCode> {
  const resolved = await load(context);
  const entries = OPTION_KEYS.map((key) => ({
    key,
    value: shown(resolved, key),
    origin: resolved.origins[key].source,
  }));
  await writeResult(context, {
    json: { entries },
    text: () =>
      table(
        entries.map(({ key, value, origin }) =>
          options.origin ? [key, JSON.stringify(value), origin] : [key, JSON.stringify(value)],
        ),
      ),
    quiet: () => entries.map(({ key, value }) => `${key}=${String(value)}`).join('\n'),
  });
  return EXIT.ok;
}

export async function configGet(context: CommandContext, name: string): Promise<ExitCode> {
  const key = checkKey(name, 'the command line');
  const resolved = await load(context);
  const value = shown(resolved, key);
  await writeResult(context, {
    json: { key, value, origin: resolved.origins[key].source, doc: OPTIONS[key].doc },
    text: () => String(value),
    quiet: () => String(value),
  });
  return EXIT.ok;
}

/** Writes one value to the file; without a value the option goes back to its default. */
export async function configSet(context: CommandContext, name: string, raw: string | undefined): Promise<ExitCode> {
  const key = checkKey(name, 'the command line');
  const value = raw === undefined ? undefined : formatValue(key, parseValue(key, raw, 'the command line'));
  const path = homePaths(context.home).config;
  await createPrivateFolder(context.home);
  await writeConfigValue(path, key, value);
  const { origins } = await load(context);
  const overruled = origins[key].kind === 'environment' ? ` (but ${origins[key].source} overrules it)` : '';
  await writeResult(context, {
    json: { key, value: value ?? null, path, origin: origins[key].source },
    text: () => `${key} ${value === undefined ? 'is back to its default' : `= ${JSON.stringify(value)}`}${overruled}`,
    quiet: () => '',
  });
  return EXIT.ok;
}

export async function configValidate(context: CommandContext): Promise<ExitCode> {
  await load(context);
  const path = homePaths(context.home).config;
  await writeResult(context, { json: { valid: true, path }, text: () => `${path} is valid`, quiet: () => '' });
  return EXIT.ok;
}

export async function configPath(context: CommandContext): Promise<ExitCode> {
  const path = homePaths(context.home).config;
  await writeResult(context, { json: { path }, text: () => path, quiet: () => path });
  return EXIT.ok;
}

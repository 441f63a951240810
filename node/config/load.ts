import { type ResolvedConfig, resolveConfig } from './config.ts';
import { readConfigFile } from './config-file.ts';
import { homePaths } from './home.ts';
import type { RawValue } from './option-types.ts';

/**
 * The configuration of the node in `home`, from flags, environment, `config.yaml` and defaults.
 * @throws ConfigError
 */
export async function loadConfig(p: {
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly flags?: ReadonlyMap<string, RawValue>;
}): Promise<ResolvedConfig> {
  const path = homePaths(p.home).config;
  return resolveConfig({
    environment: p.environment,
    flags: p.flags ?? new Map(),
    file: { path, values: await readConfigFile(path) },
  });
}

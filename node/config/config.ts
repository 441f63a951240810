import { ConfigError } from './config-error.ts';
import type { RawValue } from './option-types.ts';
import { type Config, flagOf, isOptionKey, OPTION_KEYS, OPTIONS, type OptionKey, variableOf } from './options.ts';
import { suggest } from './suggest.ts';

/** Where a value came from, the strongest first. */
export type OriginKind = 'flag' | 'environment' | 'file' | 'default';

export interface Origin {
  readonly kind: OriginKind;
  /** The flag, the variable or the file, for people. */
  readonly source: string;
}

export interface ConfigSources {
  /** Values of command-line flags by option key. */
  readonly flags?: ReadonlyMap<string, RawValue>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Flat values of the configuration file by option key. */
  readonly file?: { readonly path: string; readonly values: ReadonlyMap<string, RawValue> };
}

export interface ResolvedConfig {
  readonly config: Config;
  readonly origins: Readonly<Record<OptionKey, Origin>>;
}

/** Variables of the form `HOLDFAST_…` that are not options of the node. */
const OTHER_VARIABLES = new Set(['HOLDFAST_HOME', 'HOLDFAST_DEBUG', 'HOLDFAST_NATIVE']);

/**
 * Every option from the strongest source that has it: flag, variable, file, default.
 * @throws ConfigError for an unknown key or variable and for any value that is not accepted, wherever it stands.
 */
export function resolveConfig(sources: ConfigSources): ResolvedConfig {
  const given = collect(sources);
  const config: Record<string, unknown> = {};
  const origins: Partial<Record<OptionKey, Origin>> = {};
  for (const key of OPTION_KEYS) {
    config[key] = OPTIONS[key].default;
    origins[key] = { kind: 'default', source: 'default' };
    // Weakest first: every value is validated, the strongest one stays.
    for (const { origin, raw } of given.get(key) ?? []) {
      config[key] = parseValue(key, raw, origin.source);
      origins[key] = origin;
    }
  }
  return { config: config as Config, origins: origins as Record<OptionKey, Origin> };
}

/** @throws ConfigError invalid-value */
export function parseValue<K extends OptionKey>(key: K, raw: RawValue, source: string): Config[K] {
  const option = OPTIONS[key];
  const value = option.parse(raw);
  if (value === undefined) {
    const shown = (typeof raw === 'string' ? raw : (JSON.stringify(raw) ?? String(raw))).slice(0, 80);
    throw new ConfigError(
      { code: 'invalid-value', key, source },
      `${key} from ${source} is "${shown}": expected ${option.expected}`,
    );
  }
  return value as Config[K];
}

/** The form in which YAML and people see a value. */
export function formatValue<K extends OptionKey>(
  key: K,
  value: Config[K],
): string | number | boolean | readonly string[] {
  const format = OPTIONS[key].format as (value: Config[K]) => string | number | boolean | readonly string[];
  return format(value);
}

/** @throws ConfigError unknown-key, naming the nearest key */
export function checkKey(key: string, source: string): OptionKey {
  if (isOptionKey(key)) return key;
  const near = suggest(key, OPTION_KEYS);
  const hint = near === undefined ? '`holdfast config show` lists all' : `did you mean ${near}?`;
  throw new ConfigError({ code: 'unknown-key', key, source }, `unknown option ${key} in ${source}: ${hint}`);
}

interface Given {
  readonly origin: Origin;
  readonly raw: RawValue;
}

function collect(sources: ConfigSources): Map<OptionKey, Given[]> {
  const given = new Map<OptionKey, Given[]>();
  const put = (key: OptionKey, kind: OriginKind, source: string, raw: RawValue) => {
    given.set(key, [...(given.get(key) ?? []), { origin: { kind, source }, raw }]);
  };
  for (const [key, raw] of sources.file?.values ?? []) {
    const path = sources.file?.path ?? '';
    put(checkKey(key, path), 'file', path, raw);
  }
  for (const [variable, raw] of Object.entries(sources.environment ?? {})) {
    if (raw === undefined || !variable.startsWith('HOLDFAST_') || OTHER_VARIABLES.has(variable)) continue;
    put(keyOfVariable(variable), 'environment', variable, raw);
  }
  for (const [key, raw] of sources.flags ?? []) {
    const known = checkKey(key, 'the command line');
    put(known, 'flag', flagOf(known), raw);
  }
  return given;
}

function keyOfVariable(variable: string): OptionKey {
  const key = OPTION_KEYS.find((candidate) => variableOf(candidate) === variable);
  if (key !== undefined) return key;
  const near = suggest(variable, OPTION_KEYS.map(variableOf));
  const hint = near === undefined ? '`holdfast config show --origin` lists all' : `did you mean ${near}?`;
  throw new ConfigError(
    { code: 'unknown-key', key: variable, source: 'the environment' },
    `unknown variable ${variable} in the environment: ${hint}`,
  );
}

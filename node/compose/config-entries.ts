import { formatValue, type ResolvedConfig } from '../config/config.ts';
import { OPTION_KEYS } from '../config/options.ts';

export function configEntries({ config, origins }: ResolvedConfig) {
  return OPTION_KEYS.map((key) => ({ key, value: formatValue(key, config[key]), origin: origins[key].source }));
}

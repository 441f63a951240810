import { InvalidArgumentError } from 'commander';
import { parseTimeSpan } from '../node/config/time-span.ts';

/** `90m` → 5400 seconds; for commander's argument parsers. */
export function durationSeconds(text: string): number {
  const ms = parseTimeSpan(text);
  if (ms === undefined || ms < 1000) throw new InvalidArgumentError('expected a time such as 90m, 12h, 30d or 2w');
  return Math.round(ms / 1000);
}

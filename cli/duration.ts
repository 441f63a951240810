import { InvalidArgumentError } from 'commander';

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;

/** `90m` → 5400 seconds; for commander's argument parsers. */
export function durationSeconds(text: string): number {
  const match = /^([1-9]\d{0,5})([smhdw])$/.exec(text);
  if (match === null) throw new InvalidArgumentError('expected a time such as 90m, 12h, 30d or 2w');
  return Number(match[1]) * UNIT_SECONDS[match[2] as keyof typeof UNIT_SECONDS];
}

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
type Unit = keyof typeof UNIT_MS;

/** `90s`, `15m`, `1.5h`, `30d`, `2w` → milliseconds; undefined for anything else. */
export function parseTimeSpan(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)([smhdw])$/.exec(text);
  return match === null ? undefined : Math.round(Number(match[1]) * UNIT_MS[match[2] as Unit]);
}

/** In the largest unit, up to days, that leaves no fraction; read back exactly. */
export function formatTimeSpan(ms: number): string {
  const unit = (['d', 'h', 'm'] as const).find((name) => ms % UNIT_MS[name] === 0 && ms > 0) ?? 's';
  return `${ms / UNIT_MS[unit]}${unit}`;
}

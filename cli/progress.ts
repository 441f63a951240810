import type { CommandContext } from './context.ts';
import { formatBytes, formatDuration } from './format.ts';

/** What takes less is over before a bar could be read. */
const SHOW_AFTER_MS = 1000;
const REDRAW_MS = 100;
/** The rate is that of the last seconds, so that the time left follows what happens. */
const RATE_WINDOW_MS = 5000;
const BAR_WIDTH = 24;
const CLEAR_LINE = '\r\u001b[2K';

export interface Progress {
  update(bytes: number): void;
  /** Takes the bar away; call it before anything else is written. */
  end(): void;
}

const SILENT: Progress = { update: () => {}, end: () => {} };

/** @param total undefined when the length is not known (stdin) */
export function startProgress(
  context: Pick<CommandContext, 'progress' | 'stderr'>,
  label: string,
  total: number | undefined,
  now: () => number = () => performance.now(),
): Progress {
  if (!context.progress) return SILENT;
  const started = now();
  let drawnAt = started;
  let drawn = false;
  const samples: { at: number; bytes: number }[] = [{ at: started, bytes: 0 }];
  return {
    update: (bytes) => {
      const at = now();
      if (at - started < SHOW_AFTER_MS || at - drawnAt < REDRAW_MS) return;
      drawnAt = at;
      drawn = true;
      samples.push({ at, bytes });
      while (samples.length > 2 && at - (samples[0]?.at ?? at) > RATE_WINDOW_MS) samples.shift();
      const line = progressLine(label, bytes, total, rateOf(samples));
      context.stderr.write(CLEAR_LINE + line.slice(0, (context.stderr.columns ?? 80) - 1));
    },
    end: () => {
      if (drawn) context.stderr.write(CLEAR_LINE);
      drawn = false;
    },
  };
}

function rateOf(samples: readonly { at: number; bytes: number }[]): number {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.at <= first.at) return 0;
  return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
}

/** @param rate bytes per second */
export function progressLine(label: string, bytes: number, total: number | undefined, rate: number): string {
  const speed = `${formatBytes(rate)}/s`;
  if (total === undefined) return `${label} ${formatBytes(bytes)}  ${speed}`;
  const share = total === 0 ? 1 : Math.min(1, bytes / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const left = rate > 0 ? formatDuration((total - bytes) / rate) : '–';
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  return `${label} ${bar} ${percent}%  ${formatBytes(bytes)} of ${formatBytes(total)}  ${speed}  ${left} left`;
}

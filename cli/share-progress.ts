import type { CommandContext } from './context.ts';
import { formatDuration } from './format.ts';

/** What takes less is over before a bar could be read. */
const SHOW_AFTER_MS = 1000;
const REDRAW_MS = 200;
const BAR_WIDTH = 24;
const CLEAR_LINE = '\r\u001b[2K';

export interface ShareProgress {
  /** @param share 0 … 1 of this stage */
  update(stage: string, share: number): void;
  /** Takes the bar away; call it before anything else is written. */
  end(): void;
}

const SILENT: ShareProgress = { update: () => {}, end: () => {} };

/** A bar for work of which only the share that is done is known. */
export function startShareProgress(
  context: Pick<CommandContext, 'progress' | 'stderr'>,
  now: () => number = () => performance.now(),
): ShareProgress {
  if (!context.progress) return SILENT;
  const started = now();
  let stageStarted = started;
  let current = '';
  let drawnAt = started;
  let drawn = false;
  return {
    update: (stage, share) => {
      const at = now();
      if (stage !== current) [current, stageStarted] = [stage, at];
      if (at - started < SHOW_AFTER_MS || at - drawnAt < REDRAW_MS) return;
      drawnAt = at;
      drawn = true;
      const line = shareLine(stage, share, at - stageStarted);
      context.stderr.write(CLEAR_LINE + line.slice(0, (context.stderr.columns ?? 80) - 1));
    },
    end: () => {
      if (drawn) context.stderr.write(CLEAR_LINE);
      drawn = false;
    },
  };
}

/** @param elapsedMs since the stage began */
export function shareLine(stage: string, share: number, elapsedMs: number): string {
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const left = share > 0 ? formatDuration((elapsedMs / 1000) * (1 / share - 1)) : '–';
  return `${stage} ${bar} ${`${Math.floor(share * 100)}`.padStart(3)}%  ${left} left`;
}

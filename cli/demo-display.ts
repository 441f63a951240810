import type { DemoEvent, DemoPhase } from '../node/lab/demo-report.ts';
import type { CommandContext } from './context.ts';
import { PHASE_LABELS, phaseLine } from './demo-text.ts';
import { formatDuration } from './format.ts';
import { progressLine } from './progress.ts';

const REDRAW_MS = 200;
const CLEAR_LINE = '\r\u001b[2K';
const PHASES = Object.keys(PHASE_LABELS) as DemoPhase[];

type Progress = Extract<DemoEvent, { kind: 'progress' }>;

/**
 * Shows a demo on stderr while it runs: a live line below the lines of the phases that are over. Where no bar may be
 * drawn only these lines appear; with `-q`, or when only a program reads, nothing does.
 */
export class DemoDisplay {
  readonly #context: CommandContext;
  readonly #now: () => number;
  readonly #lines: boolean;
  #phase: DemoPhase | undefined;
  #progress: Progress | undefined;
  /** When the phase and its current step began. */
  #phaseSince = 0;
  #stepSince = 0;
  #timer: NodeJS.Timeout | undefined;
  #drawn = false;

  /** @param now milliseconds from an arbitrary start */
  constructor(context: CommandContext, now: () => number) {
    this.#context = context;
    this.#now = now;
    this.#lines = !context.quiet && (!context.json || context.stderr.isTTY === true);
  }

  show(event: DemoEvent): void {
    if (event.kind === 'began') this.#begin(event.phase);
    else if (event.kind === 'progress') this.#step(event);
    else {
      this.#phase = undefined;
      this.#clear();
      if (this.#lines) this.#write(`${phaseLine(event)}\n`);
    }
  }

  /** A line of somebody else; the live line moves below it. */
  log(line: string): void {
    this.#clear();
    this.#write(line);
    this.#draw();
  }

  /** Takes the live line away. Idempotent. */
  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#phase = undefined;
    this.#clear();
  }

  #begin(phase: DemoPhase): void {
    this.#phase = phase;
    this.#progress = undefined;
    this.#phaseSince = this.#now();
    if (!this.#context.progress) return;
    this.#timer ??= setInterval(() => this.#draw(), REDRAW_MS).unref();
    this.#draw();
  }

  #step(event: Progress): void {
    if (this.#progress === undefined) this.#stepSince = this.#phaseSince;
    else if (event.unit !== this.#progress.unit) this.#stepSince = this.#now();
    this.#progress = event;
  }

  #draw(): void {
    const phase = this.#phase;
    if (!this.#context.progress || phase === undefined) return;
    const label = `[${PHASES.indexOf(phase) + 1}/${PHASES.length}] ${PHASE_LABELS[phase]}`;
    const columns = this.#context.stderr.columns ?? 80;
    this.#write(CLEAR_LINE + this.#liveLine(label).slice(0, columns - 1));
    this.#drawn = true;
  }

  #liveLine(label: string): string {
    const elapsed = formatDuration((this.#now() - this.#phaseSince) / 1000);
    if (this.#progress === undefined) return `${label} … ${elapsed}`;
    const { unit, done, total } = this.#progress;
    if (unit !== 'bytes') return `${label}: ${done} of ${total} ${unit} … ${elapsed}`;
    const seconds = (this.#now() - this.#stepSince) / 1000;
    return progressLine(label, done, total, seconds > 0 ? done / seconds : 0);
  }

  #clear(): void {
    if (this.#drawn) this.#write(CLEAR_LINE);
    this.#drawn = false;
  }

  #write(text: string): void {
    this.#context.stderr.write(text);
  }
}

import type { CommandContext } from '../context.ts';

export interface Finding {
  readonly name: string;
  /** `failed` keeps the node from working; `warning` may do so later. */
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** What to do about it. */
  readonly advice?: string;
}

export interface Patient {
  readonly context: CommandContext;
  /** Whether a daemon answers for this home. */
  readonly running: boolean;
}

export type Check = (patient: Patient) => Promise<readonly Finding[]>;

export const fine = (name: string, detail: string): Finding => ({ name, state: 'ok', detail });
export const warning = (name: string, detail: string, advice: string): Finding => ({
  name,
  state: 'warning',
  detail,
  advice,
});
export const failed = (name: string, detail: string, advice: string): Finding => ({
  name,
  state: 'failed',
  detail,
  advice,
});

/** An error as a finding; its one line says what to do already. */
export function failure(name: string, error: unknown): Finding {
  return { name, state: 'failed', detail: error instanceof Error ? error.message : String(error) };
}

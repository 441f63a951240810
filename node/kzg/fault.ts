import { KzgError, type KzgErrorType } from './engine.ts';

/** `caller`: another backend would say the same. `input`: it should; let the library say so. `kernel`: whatever else. */
export type Fault = 'caller' | 'input' | 'kernel';

const FAULTS: Readonly<Partial<Record<KzgErrorType['code'], Fault>>> = {
  'invalid-length': 'caller',
  'invalid-argument': 'caller',
  'queue-full': 'caller',
  stopped: 'caller',
  'non-canonical-element': 'input',
  'invalid-commitment': 'input',
};

/** Whose fault it is that a kernel threw `error`. */
export function faultOf(error: unknown): Fault {
  return (error instanceof KzgError ? FAULTS[error.code] : undefined) ?? 'kernel';
}

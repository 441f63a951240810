import { isProblemCode, type Problem, type ProblemCode } from '../node/api/problem.ts';
import { CodedError } from '../protocol/errors.ts';

/** A problem that the node reported. */
export class ProblemError extends CodedError<{ readonly code: ProblemCode }> {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super({ code: problem.code }, problem.detail);
    this.problem = problem;
  }
}

/** @returns undefined when the value is no problem of this API */
export function readProblem(value: unknown): Problem | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { code, detail } = value as Partial<Problem>;
  return isProblemCode(code) && typeof detail === 'string' ? (value as Problem) : undefined;
}

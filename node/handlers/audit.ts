import { AuditError } from '../../protocol/audit-error.ts';
import { type AuditAnswer, type AuditRequest, auditAnswer, auditRequest } from '../../protocol/messages/audit.ts';
import { ChallengeRefused } from '../audit/challenge-checks.ts';
import { type Handler, ok, refusal, unary } from './handler.ts';

export interface AuditDeps {
  readonly prover: {
    answer(request: AuditRequest, auditor: Uint8Array, signal: AbortSignal): Promise<AuditAnswer>;
  };
}

/** Answers a challenge (protocol v1 §5). What is not a proper question gets an unsigned refusal. */
export function auditHandler({ prover }: AuditDeps): Handler {
  return unary(async (bytes, caller) => {
    try {
      const answer = await prover.answer(auditRequest.decode(bytes), caller.remoteKey, caller.signal);
      return ok(auditAnswer.encode(answer));
    } catch (error) {
      if (error instanceof ChallengeRefused) return refusal('not-allowed', error.code, error.message);
      if (error instanceof AuditError) return refusal('invalid-request', error.code, error.message);
      throw error;
    }
  });
}

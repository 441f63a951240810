import { AuditError } from '../../protocol/audit-error.ts';
import { bitmapCount } from '../../protocol/bitmap.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import type { Challenge } from '../../protocol/challenge.ts';
import { MAX_AUDIT_SHARDS } from '../../protocol/constants.ts';
import { CodedError } from '../../protocol/errors.ts';
import type { AuditSetEntry } from '../../protocol/messages/audit.ts';
import { MAX_SKEW_MS } from '../clock.ts';

export interface ChallengeFault {
  readonly code: 'other-network' | 'not-addressed' | 'not-auditor' | 'stale';
}

/** Why a request is not answered at all; unsigned, since it binds nobody. */
export class ChallengeRefused extends CodedError<ChallengeFault> {}

/**
 * However long an auditor says it will wait: the largest set takes 45 s (protocol v1 §5), and a challenge that stays fresh
 * could be sent again when its answer is no longer remembered.
 */
const MAX_LIFE_MS = 10 * 60_000;

/** Who and when: the keys are those of this connection. */
export interface ChallengePlace {
  readonly network: Uint8Array;
  /** Public key of this node. */
  readonly prover: Uint8Array;
  /** Public key of the peer that asks. */
  readonly auditor: Uint8Array;
  readonly now: number;
}

/** Protocol v1 §5: network, prover and auditor are the ones of this connection. @throws ChallengeRefused */
export function checkAddress(challenge: Challenge, { network, prover, auditor, now }: ChallengePlace): void {
  if (!equalBytes(challenge.network, network)) {
    throw new ChallengeRefused({ code: 'other-network' }, 'the challenge is of another network');
  }
  if (!equalBytes(challenge.prover, prover)) {
    throw new ChallengeRefused({ code: 'not-addressed' }, 'the challenge is addressed to another node');
  }
  if (!equalBytes(challenge.auditor, auditor)) {
    throw new ChallengeRefused({ code: 'not-auditor' }, 'the challenge is of another auditor');
  }
  const age = now - challenge.issuedAt;
  if (age < -MAX_SKEW_MS || age > Math.min(challenge.deadlineMs, MAX_LIFE_MS) + MAX_SKEW_MS) {
    throw new ChallengeRefused({ code: 'stale' }, 'the challenge is too old or from the future: check the clocks');
  }
}

/**
 * Checks by counting, before anything is hashed, verified or read. Shards that several entries name count once, so the
 * challenge may count fewer than its entries do, never more. @throws AuditError too-many-shards, wrong-count
 */
export function checkSize({ count }: Challenge, set: readonly AuditSetEntry[]): void {
  const named = set.reduce((sum, { indices }) => sum + bitmapCount(indices), 0);
  if (named > MAX_AUDIT_SHARDS) {
    const type = { code: 'too-many-shards', shards: named } as const;
    throw new AuditError(type, `an audit covers at most ${MAX_AUDIT_SHARDS} shards`);
  }
  if (count > named) {
    const type = { code: 'wrong-count', claimed: count, shards: named } as const;
    throw new AuditError(type, `the challenge counts ${count} shards, its set names ${named}`);
  }
}

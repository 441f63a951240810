import type { ProblemCode } from '../node/api/problem.ts';
import type { ApiServerErrorType } from '../node/api/server.ts';
import type { Verdict } from '../node/api/services.ts';
import type { ConfigErrorType } from '../node/config/config-error.ts';
import type { IdentityErrorType } from '../node/identity/identity-error.ts';
import type { LabErrorType } from '../node/lab/lab-error.ts';
import type { ScenarioErrorType } from '../node/scenario/scenario-error.ts';
import type { StoreErrorType } from '../node/store/errors.ts';
import type { TreeErrorType } from '../node/transfer/tree.ts';
import type { CodeErrorType } from '../protocol/code.ts';
import type { LinkErrorType } from '../protocol/link.ts';
import type { CliErrorCode } from './cli-error.ts';

/** What the process says to its caller; part of the public interface. */
export const EXIT = {
  ok: 0,
  error: 1,
  refused: 2,
  degraded: 3,
  lost: 4,
  integrity: 5,
  noNode: 6,
  timeout: 62,
  usage: 64,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

type KnownCode =
  | ProblemCode
  | CliErrorCode
  | ConfigErrorType['code']
  | IdentityErrorType['code']
  | LinkErrorType['code']
  | TreeErrorType['code']
  | ApiServerErrorType['code']
  | LabErrorType['code']
  | ScenarioErrorType['code']
  | Extract<CodeErrorType['code'], 'invalid-code'>
  | Extract<StoreErrorType['code'], 'home-in-use' | 'damaged-home' | 'disk-full' | 'no-access' | 'schema-too-new'>;

/** One row for each code of an error that can end a command. */
const EXIT_BY_CODE = {
  // Problems of the API
  'invalid-request': EXIT.usage,
  unauthorized: EXIT.refused,
  'forbidden-host': EXIT.refused,
  'no-such-route': EXIT.error,
  'unknown-file': EXIT.error,
  'unknown-audit': EXIT.error,
  'not-in-catalog': EXIT.error,
  'key-required': EXIT.usage,
  'wrong-key': EXIT.integrity,
  'wrong-network': EXIT.refused,
  'range-not-satisfiable': EXIT.usage,
  'unsupported-media-type': EXIT.error,
  'too-large': EXIT.refused,
  'upload-incomplete': EXIT.error,
  'upload-failed': EXIT.error,
  'upload-in-progress': EXIT.refused,
  'unknown-peer': EXIT.error,
  'not-banned': EXIT.error,
  'too-many-bans': EXIT.refused,
  'too-few-peers': EXIT.refused,
  'not-enough-shards': EXIT.lost,
  'integrity-failure': EXIT.integrity,
  'peer-unreachable': EXIT.error,
  'no-space': EXIT.refused,
  'disk-full': EXIT.error,
  'damaged-store': EXIT.error,
  busy: EXIT.refused,
  'not-ready': EXIT.refused,
  timeout: EXIT.timeout,
  aborted: EXIT.interrupted,
  internal: EXIT.error,
  // The command line
  usage: EXIT.usage,
  'no-node': EXIT.noNode,
  'node-broke-off': EXIT.error,
  'bad-answer': EXIT.error,
  'source-missing': EXIT.error,
  'source-unreadable': EXIT.error,
  'source-changed': EXIT.error,
  'bad-receipt-file': EXIT.error,
  'manifest-missing': EXIT.error,
  'source-unsupported': EXIT.error,
  'target-exists': EXIT.error,
  'target-unwritable': EXIT.error,
  'is-directory': EXIT.usage,
  'checks-failed': EXIT.error,
  'phrase-mismatch': EXIT.error,
  'already-running': EXIT.error,
  'reader-gone': EXIT.interrupted,
  interrupted: EXIT.interrupted,
  'timed-out': EXIT.timeout,
  // Configuration and identity
  'unknown-key': EXIT.usage,
  'invalid-value': EXIT.usage,
  'invalid-file': EXIT.usage,
  'unreadable-file': EXIT.error,
  'invalid-phrase': EXIT.usage,
  'already-initialised': EXIT.error,
  'not-initialised': EXIT.error,
  'exposed-secret': EXIT.error,
  'damaged-identity': EXIT.error,
  // Links
  'not-a-link': EXIT.usage,
  'bad-root': EXIT.usage,
  'bad-key': EXIT.usage,
  // Directories
  'bad-index': EXIT.integrity,
  'unsafe-name': EXIT.error,
  'unsupported-type': EXIT.error,
  'too-many-entries': EXIT.error,
  'not-a-directory': EXIT.error,
  truncated: EXIT.error,
  // Starting a node
  'cannot-listen': EXIT.error,
  'home-in-use': EXIT.error,
  'damaged-home': EXIT.error,
  'no-access': EXIT.error,
  'schema-too-new': EXIT.error,
  // The lab
  'invalid-code': EXIT.usage,
  'too-few-nodes': EXIT.usage,
  'too-many-nodes': EXIT.usage,
  'too-little-space': EXIT.error,
  'not-gathered': EXIT.error,
  'lab-running': EXIT.error,
  'lab-kept': EXIT.error,
  'foreign-folder': EXIT.error,
  'unreadable-scenario': EXIT.error,
  'bad-scenario': EXIT.usage,
} as const satisfies Record<KnownCode, ExitCode>;

/** Any other code is a plain error. */
export function exitCodeOf(code: string | undefined): ExitCode {
  return code !== undefined && Object.hasOwn(EXIT_BY_CODE, code) ? EXIT_BY_CODE[code as KnownCode] : EXIT.error;
}

/** From the mildest to the worst: of several outcomes a command ends with the worst one. */
const BY_GRAVITY: readonly ExitCode[] = [
  EXIT.ok,
  EXIT.degraded,
  EXIT.usage,
  EXIT.refused,
  EXIT.error,
  EXIT.timeout,
  EXIT.noNode,
  EXIT.lost,
  EXIT.integrity,
  EXIT.interrupted,
];

export function worse(a: ExitCode, b: ExitCode): ExitCode {
  return BY_GRAVITY.indexOf(a) > BY_GRAVITY.indexOf(b) ? a : b;
}

export const EXIT_BY_VERDICT = {
  healthy: EXIT.ok,
  degraded: EXIT.degraded,
  lost: EXIT.lost,
} as const satisfies Record<Verdict, ExitCode>;

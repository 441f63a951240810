import type { Candidate } from './candidates.ts';

/** Below this a peer gets no new shards (reliability §4). */
export const MINIMUM_INTEGRITY = 0.3;

export interface Requirements {
  /** Who has a shard of the stripe. */
  readonly holders: ReadonlySet<string>;
  readonly exclude: ReadonlySet<string>;
  /** Free bytes a holder must have for what it is to take. */
  readonly bytesEach: number;
  readonly minimumIntegrity: number;
}

type Keeps = (candidate: Candidate, requirements: Requirements) => boolean;

/** The constraints that are never relaxed, by the name of what breaks them. Drawing and explaining both go by this table. */
const CONSTRAINTS = {
  holder: ({ peer }, { holders }) => !holders.has(peer),
  excluded: ({ peer }, { exclude }) => !exclude.has(peer),
  banned: ({ banned }) => !banned,
  denied: ({ listing }) => listing !== 'denied',
  'not-allowed': ({ listing }) => listing !== 'not-allowed',
  disqualified: ({ disqualified }) => !disqualified,
  'integrity-failed': ({ suspended }) => !suspended,
  'low-integrity': ({ integrity }, { minimumIntegrity }) => integrity >= minimumIntegrity,
  offline: ({ online }) => online,
  'no-space': ({ free }, { bytesEach }) => free >= bytesEach,
} as const satisfies Record<string, Keeps>;

export type Constraint = keyof typeof CONSTRAINTS;

export const CONSTRAINT_NAMES = Object.keys(CONSTRAINTS) as Constraint[];

/** Those that say what somebody thinks of a peer, not how it is at the moment. */
const BARRING: readonly Constraint[] = [
  'banned',
  'denied',
  'not-allowed',
  'disqualified',
  'integrity-failed',
  'low-integrity',
];

/** The constraints that a candidate breaks, in the order of the table. */
export function broken(candidate: Candidate, requirements: Requirements): Constraint[] {
  return CONSTRAINT_NAMES.filter((name) => !CONSTRAINTS[name](candidate, requirements));
}

export function isEligible(candidate: Candidate, requirements: Requirements): boolean {
  return CONSTRAINT_NAMES.every((name) => CONSTRAINTS[name](candidate, requirements));
}

/** Why a peer that was drawn before is given nothing more. */
export function barring(candidate: Candidate, requirements: Requirements): Constraint | undefined {
  return BARRING.find((name) => !CONSTRAINTS[name](candidate, requirements));
}

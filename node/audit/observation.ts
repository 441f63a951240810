import { toHex } from '../../protocol/bytes.ts';
import { detailOf } from './audit-recorder.ts';
import type { AuditOutcome, OutcomeKind } from './outcome.ts';

/** A final outcome, as whoever judges peers is told of it; once for each challenge. */
export interface AuditObservation {
  /** Peer id. */
  readonly peer: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly outcome: OutcomeKind;
  /** Shards that were asked about. */
  readonly shards: number;
  /** Challenge id, hex: the record of the audit has it too. */
  readonly audit?: string;
  readonly detail?: string;
  /** It passed, and nothing but constant shards was asked about. */
  readonly constant?: true;
  /** Ids of the shards that the holder says are not there. */
  readonly missing?: readonly Uint8Array[];
  /** Whether it is silent about something that it was asked about; absent where nobody keeps count of that. */
  readonly unanswered?: boolean;
}

interface Seen {
  readonly peer: string;
  readonly at: number;
  readonly outcome: AuditOutcome;
  readonly shards: number;
  /** Absent when no challenge could be made. */
  readonly id: Uint8Array | undefined;
  readonly unanswered?: boolean;
}

export function observationOf({ peer, at, outcome, shards, id, unanswered }: Seen): AuditObservation {
  const detail = detailOf(outcome);
  return {
    peer,
    at,
    outcome: outcome.kind,
    shards,
    ...(id === undefined ? {} : { audit: toHex(id) }),
    ...(detail === undefined ? {} : { detail }),
    ...('constant' in outcome ? { constant: true as const } : {}),
    ...('missing' in outcome ? { missing: outcome.missing.map((shard) => shard.id) } : {}),
    ...(unanswered === undefined ? {} : { unanswered }),
  };
}

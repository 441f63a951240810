import { MAX_ACCUSATION_BYTES } from './accusation.ts';
import { MAX_ADVERT_BYTES } from './hello.ts';
import { MAX_REPAIR_NOTICE_BYTES } from './repair-notice.ts';

/** Gossip topics of protocol v1 §6. */
export type Topic = 'hello' | 'evidence' | 'repair';

export interface TopicLimits {
  readonly maxMessageBytes: number;
  /** Messages of one signer that are forwarded, at most one per this time; more are dropped. */
  readonly minIntervalMs: number;
}

export const TOPICS = {
  hello: { maxMessageBytes: MAX_ADVERT_BYTES, minIntervalMs: 60_000 },
  evidence: { maxMessageBytes: MAX_ACCUSATION_BYTES, minIntervalMs: 1_000 },
  repair: { maxMessageBytes: MAX_REPAIR_NOTICE_BYTES, minIntervalMs: 1_000 },
} as const satisfies Record<Topic, TopicLimits>;

/** `/holdfast/<network8>/<topic>/1`; `networkPrefix` is that of protocol/hash.ts. */
export function topicName(topic: Topic, networkPrefix: string): string {
  return `/holdfast/${networkPrefix}/${topic}/1`;
}

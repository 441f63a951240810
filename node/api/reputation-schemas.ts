import { PEER_ID_PATTERN } from '../network/peer-id-pattern.ts';
import { anyText, bool, count, list, object, text } from './schemas.ts';

const score = { type: 'number', minimum: 0, maximum: 1 };
const beforeAndAfter = { type: 'array', items: score, minItems: 2, maxItems: 2, description: 'Before and after' };
const peerId = text(64, { pattern: PEER_ID_PATTERN });

const standing = {
  peer: anyText,
  score: { ...score, description: 'What placement weighs the peer by' },
  integrity: score,
  availability: { ...score, description: 'Lower 5 % quantile, of the worse of two windows' },
  vetted: bool,
  disqualified: bool,
  'integrityFailedAt?': count,
  credits: count,
  updatedAt: count,
};

export const peerStanding = object(standing);

export const reputationQuery = object({
  'after?': peerId,
  'limit?': { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
});

export const reputationPage = object({
  peers: list(peerStanding),
  'next?': anyText,
  accusations: object({ accepted: count, refused: { type: 'object', additionalProperties: count } }),
});

export const forgiveBody = object({ 'reason?': text(256) });
export const peerParams = object({ peer: peerId });

export const changesQuery = object({
  'before?': { ...count, description: 'Number of a change; what came before it is listed' },
  'limit?': { type: 'integer', minimum: 1, maximum: 100, default: 20 },
});

export const reputationDetails = object({
  ...standing,
  changes: list(
    object({
      n: count,
      at: count,
      reason: anyText,
      'detail?': anyText,
      'audit?': anyText,
      'shards?': count,
      integrity: beforeAndAfter,
      availability: beforeAndAfter,
      'disqualified?': bool,
    }),
  ),
  'next?': count,
  evidence: list(object({ segment: anyText, auditor: anyText, audit: anyText, challengedAt: count, keptBy: anyText })),
  falseCommitments: list(object({ shard: anyText, at: count })),
});

/** JSON Schemas of the routes about bans and the choice of holders. */
import { anyText, bool, count, list, object, peerFields, real, text } from './schemas.ts';

const share = { type: 'number', minimum: 0, maximum: 1 };

export const peerParams = object({ peer: text(64) });

/** A century: longer is for ever. */
const MAX_BAN_SECONDS = 100 * 365 * 24 * 60 * 60;

export const banBody = object({
  'reason?': text(256),
  'seconds?': { type: 'integer', minimum: 1, maximum: MAX_BAN_SECONDS, description: 'Absent: until it is lifted' },
});

export const banDescription = object({ peer: anyText, at: count, 'until?': count, 'reason?': anyText });
export const banList = object({ bans: list(banDescription) });

const standing = object({
  reputation: share,
  integrity: share,
  vetted: bool,
  freeBytes: count,
  'region?': anyText,
  regionDoubted: bool,
  'subnet?': anyText,
});

export const peerDetails = object({
  ...peerFields,
  'standing?': standing,
  'fastestMs?': real,
  reasons: list(anyText),
  'ban?': banDescription,
});

export const placementQuery = object({
  'segment?': { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 },
});

export const placementExplanation = object({
  root: anyText,
  segment: count,
  segments: count,
  strategy: anyText,
  width: count,
  bytesEach: count,
  peers: list(
    object({
      peer: anyText,
      verdict: { type: 'string', enum: ['holder', 'eligible', 'crowded', 'ineligible'] },
      reasons: list(anyText),
      'standing?': standing,
      'weight?': real,
      'chance?': share,
    }),
  ),
});

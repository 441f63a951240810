import { anyText, bool, count, list, object, real, text } from './schemas.ts';

export const logQuery = object({
  'before?': { ...count, description: 'Only entries with a lower sequence number' },
  'type?': text(64),
  'since?': { ...count, description: 'Milliseconds since 1970' },
  'limit?': { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
});

const entry = object({
  seq: count,
  at: count,
  type: anyText,
  data: { type: 'object', additionalProperties: { anyOf: [bool, real, anyText] } },
  hash: anyText,
  previous: anyText,
});

export const logPage = object({ entries: list(entry), 'next?': count });

export const logHead = object({
  'head?': { ...anyText, description: 'seq:hash of the newest entry: keep it elsewhere, and verify with it later' },
});

export const verificationQuery = object({
  'head?': text(90, { pattern: '^[1-9]\\d{0,15}:[0-9a-f]{64}$', description: 'A head that was kept elsewhere' }),
});

const problem = object({ seq: count, kind: anyText, detail: anyText });

export const logVerification = object({
  ok: bool,
  entries: count,
  'first?': object({ seq: count, at: count }),
  'last?': object({ seq: count, at: count, head: anyText }),
  'checkpoint?': object({ seq: count, at: count, after: count }),
  'pruned?': object({ through: count, at: count }),
  'known?': { type: 'string', enum: ['found', 'pruned'] },
  'problem?': problem,
  'further?': list(problem),
  'unlisted?': count,
});

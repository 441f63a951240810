import { anyText, bool, count, list, object, real, text } from './schemas.ts';

const role = { type: 'string', enum: ['auditor', 'prover'] };
const fields = {
  id: anyText,
  at: count,
  peer: anyText,
  role,
  outcome: anyText,
  final: bool,
  shards: count,
  milliseconds: real,
  'detail?': anyText,
  receipt: bool,
};

export const auditsQuery = object({
  'peer?': text(64),
  'before?': text(96, { pattern: '^\\d{1,16}-[0-9a-f]{64}$', description: 'Where the page before ended: its `next`' }),
  'limit?': { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
});
export const auditPage = object({ audits: list(object(fields)), 'next?': anyText });
export const auditId = object({ id: text(64, { pattern: '^[0-9a-f]{64}$', description: 'Challenge id' }) });
export const auditDetails = object({
  ...fields,
  parts: list(object({ root: anyText, segment: anyText, shards: count })),
});
export const receiptQuery = object({
  'manifest?': { type: 'boolean', default: true, description: 'With the nodes of the manifests' },
});
export const auditSchedule = object({
  holders: list(
    object({
      peer: anyText,
      shards: count,
      asked: count,
      cycle: count,
      'startedAt?': count,
      nextAt: count,
      suspicion: real,
      waiting: count,
      underAudited: bool,
    }),
  ),
});

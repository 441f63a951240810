/** JSON Schemas of the routes about repairs. */
import { anyText, count, list, object, real, rootCid } from './schemas.ts';

const signed = { type: 'integer' };

const report = object({
  root: anyText,
  segment: count,
  startedAt: count,
  milliseconds: count,
  outcome: {
    type: 'string',
    enum: ['done', 'partial', 'no-place', 'impossible', 'failed', 'not-needed', 'crowded', 'cancelled'],
  },
  stripes: count,
  placed: count,
  fetched: count,
  sent: count,
  'detail?': anyText,
});

export const repairOverview = object({
  queue: list(
    object({ root: anyText, segment: count, stripes: count, daysToLoss: real, margin: signed, since: count }),
  ),
  running: list(object({ root: anyText, segment: count, since: count })),
  results: list(report),
  alarms: list(object({ root: anyText, segment: count, stripes: count })),
  totals: object({ repairs: count, failed: count, placed: count, fetched: count, sent: count }),
  watched: count,
});

export const repairBody = object({ 'root?': rootCid });
export const repairReports = object({ repairs: list(report) });

import { duration, flag, integer, missingShardsOrAuto, type Option, rate } from './option-types.ts';
import { DAY, HOUR, MIB, MINUTE, SECOND } from './units.ts';

/** Settings of guarding and repair (reliability §6); the rules are in node/repair. */
export const REPAIR_OPTIONS = {
  'repair.enabled': flag({
    default: true,
    doc: 'Watch over own files and those this node guards, and rebuild what is lost. Turned off, repairs run only when asked for.',
  }),
  'repair.threshold': missingShardsOrAuto({
    doc: 'Parity shards of a stripe that may be missing before it is repaired; auto = fewer than half of them.',
  }),
  // Longer than a restart, an update or a night-time reconnect: most of those who go come back.
  'repair.grace': duration({
    default: HOUR,
    min: 0,
    max: 30 * DAY,
    doc: 'Time for which a holder that is not heard from, or answers no audit, counts as away, before what it holds counts as lost.',
  }),
  'repair.checkInterval': duration({
    default: 10 * MINUTE,
    min: SECOND,
    max: DAY,
    doc: 'Time after which each watched file is looked at again; losses that are noticed are looked at at once.',
  }),
  'repair.guardians': integer({
    default: 3,
    min: 1,
    max: 16,
    doc: 'Holders of a file that guard it and audit the others, beside its owner; the rest only look, six times less often.',
  }),
  // A file of 64 MiB under 8+4 that lost one holder takes 75 MiB: 8 s.
  'repair.traffic': rate({
    default: 10 * MIB,
    doc: 'Most bytes a second of shards fetched and sent for repairs, on average.',
  }),
  'repair.concurrency': integer({ default: 2, min: 1, max: 16, doc: 'Segments (up to 128 MiB) repaired at a time.' }),
  'repair.holdOff': duration({
    default: 10 * MINUTE,
    min: SECOND,
    max: 10 * MINUTE,
    doc: 'Time for which a repair that another guardian announced keeps this node from repairing the same.',
  }),
  // A month: holders renew it themselves while a file needs them, and nothing is kept for ever for an owner who is gone.
  'repair.lease': duration({
    default: 30 * DAY,
    min: MINUTE,
    max: 3650 * DAY,
    doc: 'Time for which this node promises a shard that somebody else than its owner rebuilt here; it renews what is needed. Promises of others for less than half of it, or of the default where that is shorter, are refused.',
  }),
} as const satisfies Record<string, Option<unknown>>;

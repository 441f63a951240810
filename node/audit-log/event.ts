/** What parts of the node put into the security log. */
export type SecurityEventType =
  | 'audit'
  | 'evidence'
  | 'reputation'
  | 'disqualified'
  | 'ban'
  | 'unban'
  | 'release'
  | 'admin'
  | 'start'
  | 'stop'
  | 'repair';

/**
 * What the log says about itself: a signed checkpoint; a signed anchor in place of pruned entries; at start, entries and
 * head did not agree; events that a full queue did not take.
 */
export type LogEventType = SecurityEventType | 'checkpoint' | 'anchor' | 'break' | 'dropped';

/** Flat, so that a reader of the log can show it as it is. Never a key, a token, a phrase or a body. */
export type EventData = Readonly<Record<string, string | number | boolean>>;

/** How parts of the node tell the log; it never makes them wait. */
export type SecurityRecord = (type: SecurityEventType, data: EventData) => void;

const MAX_FIELDS = 16;
const MAX_NAME_LENGTH = 64;
/** In UTF-16 units, of which each takes at most 3 bytes. */
const MAX_TEXT_LENGTH = 512;

/**
 * Cuts what a peer may have made long: an entry must not grow with what others send. What dag-cbor cannot hold is left
 * out or turned into text: one event must not keep the others from being written.
 */
export function boundedData(data: EventData): EventData {
  const fields = Object.entries(data)
    .filter(([, value]) => isScalar(value))
    .slice(0, MAX_FIELDS);
  return Object.fromEntries(fields.map(([name, value]) => [name.slice(0, MAX_NAME_LENGTH), bounded(value)]));
}

function bounded(value: string | number | boolean): string | number | boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) || isFraction(value) ? value : String(value);
  if (typeof value !== 'string') return value;
  return value.length > MAX_TEXT_LENGTH ? `${value.slice(0, MAX_TEXT_LENGTH)}…`.toWellFormed() : value.toWellFormed();
}

const isFraction = (value: number): boolean => Number.isFinite(value) && !Number.isInteger(value);

export function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

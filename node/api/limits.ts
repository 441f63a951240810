/** Bounds of the API. Whoever has the token may use the node; these keep a mistake or a stuck client from hurting it. */

/** JSON bodies hold a few fields. */
export const MAX_JSON_BODY_BYTES = 64 * 1024;
export const MAX_HEADER_BYTES = 16 * 1024;
export const MAX_CONNECTIONS = 256;
export const MAX_EVENT_STREAMS = 32;
/** An event stream whose reader lags by more is closed: it can reconnect, memory cannot be had back. */
export const MAX_EVENT_BACKLOG_BYTES = 1024 * 1024;
export const HEADERS_TIMEOUT_MS = 10_000;
/** A connection on which nothing moves. Long enough for a reader who pauses a download in a pager. */
export const IDLE_TIMEOUT_MS = 10 * 60_000;
/** An upload whose source says nothing; half of what staged shards live without traffic (protocol v1 §4.1). */
export const UPLOAD_STALL_MS = 30 * 60_000;
/** Progress lines of an upload: often enough for a bar, and a sign of life for the client's idle limit. */
export const PROGRESS_INTERVAL_MS = 250;
export const HEARTBEAT_MS = 5_000;
export const EVENT_HEARTBEAT_MS = 15_000;
/** What a refused request may still send while its answer is on the way: a client that reads as it writes stops at once. */
export const LINGER_BYTES = 256 * 1024 * 1024;
export const LINGER_MS = 10_000;

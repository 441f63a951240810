/** JSON Schemas of the API: they validate requests, serialise responses and make `openapi.json`. */
import { PROBLEMS } from './problem.ts';

type Schema = Readonly<Record<string, unknown>>;

export const text = (maxLength: number, extra: Schema = {}): Schema => ({ type: 'string', maxLength, ...extra });
export const count: Schema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const signed: Schema = { type: 'integer' };
export const anyText: Schema = { type: 'string' };
export const bool: Schema = { type: 'boolean' };
export const real: Schema = { type: 'number' };
export const list = (items: Schema): Schema => ({ type: 'array', items });

/** An object whose fields are all required, except those whose name ends in `?`. */
export function object(fields: Readonly<Record<string, Schema>>): Schema {
  const names = Object.keys(fields);
  return {
    type: 'object',
    additionalProperties: false,
    required: names.filter((name) => !name.endsWith('?')),
    properties: Object.fromEntries(names.map((name) => [name.replace(/\?$/, ''), fields[name]])),
  };
}

/** A root CID: version 1, dag-cbor, sha2-256, base32. */
export const rootCid = text(59, { pattern: '^bafyrei[a-z2-7]{52}$' });
export const rootParams = object({ root: rootCid });
/** 32 bytes, base64url without padding. Headers may hold more than what is listed. */
export const keyHeaders: Schema = {
  type: 'object',
  properties: { 'holdfast-key': text(43, { pattern: '^[A-Za-z0-9_-]{43}$', description: 'File key, base64url' }) },
};

const kind: Schema = { type: 'string', enum: ['file', 'tree'] };
const codeName: Schema = { type: 'string', enum: ['fr-lagrange', 'gf256', 'replica'] };
const code = object({ name: codeName, k: count, m: count });

export const problem: Schema = {
  ...object({
    type: anyText,
    title: anyText,
    status: count,
    detail: anyText,
    code: { type: 'string', enum: Object.keys(PROBLEMS) },
    'data?': { type: 'object', additionalProperties: true },
    'causes?': list(anyText),
  }),
  description: 'RFC 9457 problem details with a stable code',
};

export const addQuery = object({
  'kind?': { ...kind, default: 'file' },
  'indexLength?': { ...count, description: 'Trees: bytes of the index that ends the body' },
  'name?': text(1024),
  'size?': {
    ...count,
    description: 'Bytes of the body, when known: a hint by which holders with enough room are chosen',
  },
  'code?': text(5, {
    pattern: '^(auto|\\d{1,2}\\+\\d{1,2})$',
    description: 'auto = the widest standard one that the peers allow; absent = as configured',
  }),
  'codeName?': codeName,
  'sourceId?': text(64, { pattern: '^[0-9a-f]{64}$', description: 'The same id after a crash resumes the upload' }),
  'minShards?': { type: 'integer', minimum: 1, maximum: 64 },
  'commitments?': {
    type: 'string',
    enum: ['auto', 'local', 'delegated'],
    description: 'Who computes the commitments: this node, or the holders while this node checks them',
  },
});

export const addResult = object({
  root: anyText,
  link: anyText,
  size: count,
  kind,
  code,
  stripes: count,
  shards: count,
  storedBytes: count,
  holders: count,
  resumedBytes: count,
  commitments: object({ mode: { type: 'string', enum: ['local', 'delegated'] }, reason: anyText, claimed: count }),
  warnings: list(anyText),
});

export const catalogQuery = object({
  'after?': text(256),
  'limit?': { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
});

export const catalogPage = object({
  files: list(object({ root: anyText, 'name?': anyText, kind, size: count, created: count, code, link: anyText })),
  'next?': anyText,
});

export const healthQuery = object({ 'worst?': { type: 'integer', minimum: 0, maximum: 1000, default: 20 } });

export const fileHealth = object({
  root: anyText,
  'name?': anyText,
  size: count,
  code,
  verdict: { type: 'string', enum: ['healthy', 'degraded', 'lost'] },
  stripes: count,
  shards: count,
  presentShards: count,
  degradedStripes: count,
  lostStripes: count,
  suspectedShards: count,
  clumpedShards: count,
  minimumMargin: signed,
  daysToLoss: real,
  holders: count,
  checkedAt: count,
  worst: list(
    object({
      segment: count,
      stripe: count,
      holders: list(list(anyText)),
      present: count,
      needed: count,
      suspected: count,
      lost: count,
      clumped: count,
      margin: signed,
      daysToLoss: real,
      state: { type: 'string', enum: ['healthy', 'suspected', 'clumped', 'degraded', 'lost'] },
    }),
  ),
});

export const manifest = object({
  root: anyText,
  kind,
  payload: anyText,
  cipher: anyText,
  size: count,
  'indexLength?': count,
  code,
  created: count,
  owner: anyText,
  segments: list(anyText),
  stripes: count,
  shards: count,
});

export const releaseResult = object({ root: anyText, released: count, queued: count });

export const peerFields = {
  peer: anyText,
  connected: bool,
  addresses: list(anyText),
  'agent?': anyText,
  'region?': anyText,
  'freeBytes?': count,
  'rttMs?': real,
  'direction?': { type: 'string', enum: ['inbound', 'outbound'] },
};
const peer = object(peerFields);
export const peerDescription = peer;
export const peerList = object({ peers: list(peer) });
export const connectBody = object({ address: text(512) });

const scrubCounts = { checkedShards: count, damagedShards: count, unreadableShards: count };
export const scrubReport = object({ startedAt: count, finishedAt: count, ...scrubCounts, bytes: count });
export const storage = object({
  capacityBytes: count,
  usedBytes: count,
  trashBytes: count,
  stagedBytes: count,
  reservedBytes: count,
  freeBytes: count,
  shards: count,
  damagedShards: count,
  scrub: object({
    'pass?': object({ startedAt: count, ...scrubCounts }),
    'last?': scrubReport,
    nextAt: count,
  }),
});

export const leaveBody = object({
  'timeoutMs?': { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
});
export const leaveReport = object({
  shards: count,
  elsewhere: count,
  placed: count,
  lost: count,
  remaining: count,
  sentBytes: count,
  timedOut: bool,
  failures: list(object({ root: anyText, segment: anyText, shards: count, reason: anyText })),
});

const kzgCandidate = object({ backend: anyText, state: anyText, detail: anyText, 'ms?': real });

export const nodeDescription = object({
  peer: anyText,
  publicKey: anyText,
  network: anyText,
  version: anyText,
  addresses: list(anyText),
  startedAt: count,
  connectedPeers: count,
  leaving: bool,
  files: count,
  repairAlarms: count,
  kzg: object({
    backend: anyText,
    threads: count,
    operations: list(object({ operation: anyText, backend: anyText, candidates: list(kzgCandidate) })),
  }),
  audits: object({
    proofs: count,
    repeated: count,
    declaredLost: count,
    refusals: { type: 'object', additionalProperties: count },
    bytesRead: count,
    running: count,
    waiting: count,
    badAnswers: { type: 'object', additionalProperties: count },
  }),
});

const reason = object({ component: anyText, ok: bool, detail: anyText });
/** With a nonce the answer shows that the node knows the token: the client need not send it to a stranger. */
export const livenessQuery = object({ 'nonce?': { type: 'string', pattern: '^[0-9a-f]{64}$' } });
export const liveness = object({ ok: bool, 'proof?': anyText });
export const readiness = object({ ok: bool, reasons: list(reason) });

export const configList = object({
  entries: list(object({ key: anyText, value: { anyOf: [bool, real, anyText, list(anyText)] }, origin: anyText })),
});

export const auditBody = object({ 'root?': rootCid });
export const auditReports = object({
  audits: list(
    object({
      peer: anyText,
      shards: count,
      outcome: anyText,
      'detail?': anyText,
      missing: count,
      bad: list(anyText),
      milliseconds: real,
    }),
  ),
});

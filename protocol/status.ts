import { utf8ToBytes } from '@noble/hashes/utils.js';
import { concat, u64 } from './bytes.ts';
import { malformed } from './cbor.ts';
import { bitmap, list, optional, text } from './fields.ts';
import { MAX_SEGMENT_SHARDS } from './segment.ts';
import { structure } from './structure.ts';

/** The first byte of every response (protocol v1 §6). */
export const STATUS_BYTE = {
  ok: 0,
  'invalid-request': 1,
  'not-held': 2,
  busy: 3,
  'no-space': 4,
  'not-allowed': 5,
  internal: 6,
} as const;

export type Status = keyof typeof STATUS_BYTE;

/** Why a request is refused; for the programs of other people, so that `message` may be shown but never parsed. */
export interface Fault {
  /** Kebab-case, stable. */
  readonly code: string;
  readonly message: string;
  /** Which shards it is about: one bitmap per segment of the request (`finalize`). */
  readonly shards?: readonly Uint8Array[];
}

export type Refusal =
  /** `retryAt`: milliseconds since 1970. */
  { readonly status: 'busy'; readonly retryAt: number } | (Fault & { readonly status: Exclude<Status, 'ok' | 'busy'> });

export type Reply = { readonly status: 'ok'; readonly body: Uint8Array } | Refusal;

export const MAX_FAULT_CODE_BYTES = 64;
export const MAX_FAULT_MESSAGE_BYTES = 512;
/** Segments of one `finalize`. */
export const MAX_SEGMENTS_PER_CALL = 8192;

const faultCodec = structure<Fault>('refusal', 8 * 1024 * 1024, {
  code: text(MAX_FAULT_CODE_BYTES),
  message: text(MAX_FAULT_MESSAGE_BYTES),
  shards: optional(list(bitmap(MAX_SEGMENT_SHARDS, 'may-be-empty'), MAX_SEGMENTS_PER_CALL)),
});

const BY_BYTE = Object.keys(STATUS_BYTE) as readonly Status[];

/** `u8 status ‖ body`. The body of a refusal is a u64 time for `busy`, else `{v, code, message, shards?}`. */
export function encodeReply(reply: Reply): Uint8Array {
  const status = Uint8Array.of(STATUS_BYTE[reply.status]);
  if (reply.status === 'ok') return concat(status, reply.body);
  if (reply.status === 'busy') return concat(status, u64(reply.retryAt));
  const { status: _, ...fault } = reply;
  return concat(status, faultCodec.encode({ ...fault, message: printable(fault.message) }));
}

/** A message may quote an error from anywhere; what a receiver would refuse must not hide the refusal itself. */
function printable(message: string): string {
  const clean = message
    .slice(0, MAX_FAULT_MESSAGE_BYTES)
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ');
  let bytes = 0;
  let out = '';
  for (const character of clean) {
    bytes += utf8ToBytes(character).length;
    if (bytes > MAX_FAULT_MESSAGE_BYTES) break;
    out += character;
  }
  return out;
}

/** The caller has bounded the length by the method. @throws StructureError */
export function decodeReply(bytes: Uint8Array): Reply {
  const status = BY_BYTE[bytes[0] ?? BY_BYTE.length];
  if (status === undefined) throw malformed('response', 'it does not begin with a known status');
  const body = bytes.subarray(1);
  if (status === 'ok') return { status, body };
  if (status !== 'busy') return { status, ...faultCodec.decode(body) };
  if (body.length !== 8) throw malformed('response', 'a busy peer must say when to come back');
  const retryAt = Number(new DataView(body.buffer, body.byteOffset, 8).getBigUint64(0));
  if (!Number.isSafeInteger(retryAt)) throw malformed('response', 'the time of a busy peer is out of range');
  return { status, retryAt };
}

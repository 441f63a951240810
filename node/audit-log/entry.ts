import { createHash } from 'node:crypto';
import { decode, encode } from '@ipld/dag-cbor';
import { concat, equalBytes } from '../../protocol/bytes.ts';
import { HASH_BYTES } from '../../protocol/constants.ts';
import { boundedData, type EventData, isScalar, type LogEventType } from './event.ts';

type LogTag = 'log-genesis' | 'log-entry' | 'log-head' | 'log-checkpoint' | 'log-anchor';

/**
 * `SHA-256(u8(len tag) ‖ tag ‖ m…)`, 32 bytes: the H of protocol v1 §1 under tags that never leave this node, and that
 * no signature of the protocol uses.
 */
export function logHash(tag: LogTag, ...parts: readonly Uint8Array[]): Uint8Array {
  const name = Buffer.from(`HOLDFAST1/${tag}`);
  const hash = createHash('sha256').update(Uint8Array.of(name.length)).update(name);
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** What precedes entry 1: it ties the chain to the node that writes it. */
export function genesisOf(publicKey: Uint8Array): Uint8Array {
  return logHash('log-genesis', publicKey);
}

export interface EntryDraft {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly type: LogEventType;
  readonly data: EventData;
}

export interface LogEntry {
  /** From 1, without gaps. */
  readonly seq: number;
  readonly at: number;
  /** A later version may write types that this one does not know. */
  readonly type: string;
  readonly data: EventData;
  /** Hash of the entry before, 32 bytes. */
  readonly previous: Uint8Array;
  /** Of this entry, 32 bytes. */
  readonly hash: Uint8Array;
}

const VERSION = 1;
/** Bounded data takes less; whatever is larger was not written here. */
const MAX_ENTRY_BYTES = 32 * 1024;
const FIELDS = 'at data previous seq type v';

/** `dag-cbor {v, seq, at, type, data, previous} ‖ hash`, hash = H(log-entry, the dag-cbor). */
export function encodeEntry(seq: number, previous: Uint8Array, draft: EntryDraft) {
  const { at, type, data } = draft;
  const body = encode({ v: VERSION, seq, at, type, data: boundedData(data), previous });
  const hash = logHash('log-entry', body);
  return { bytes: concat(body, hash), hash };
}

/** The entry, or why it is none: its hash does not fit its content, or the content is not an entry. */
export function decodeEntry(bytes: Uint8Array): LogEntry | 'altered' | 'unreadable' {
  if (bytes.length <= HASH_BYTES || bytes.length > MAX_ENTRY_BYTES) return 'unreadable';
  const body = bytes.subarray(0, bytes.length - HASH_BYTES);
  const hash = bytes.slice(-HASH_BYTES);
  if (!equalBytes(logHash('log-entry', body), hash)) return 'altered';
  let value: unknown;
  try {
    value = decode(body);
  } catch {
    return 'unreadable';
  }
  return isBody(value) ? { ...value, hash } : 'unreadable';
}

function isBody(value: unknown): value is Omit<LogEntry, 'hash'> {
  if (!isMap(value) || Object.keys(value).sort().join(' ') !== FIELDS) return false;
  const { v, seq, at, type, data, previous } = value;
  const isData = isMap(data) && Object.values(data).every(isScalar);
  return (
    v === VERSION &&
    Number.isSafeInteger(seq) &&
    isTime(at) &&
    typeof type === 'string' &&
    isData &&
    previous instanceof Uint8Array &&
    previous.length === HASH_BYTES
  );
}

/** ECMA-262 §21.4.1.1: what a Date can hold. */
const MAX_TIME = 8.64e15;
const isTime = (at: unknown): boolean => Number.isSafeInteger(at) && (at as number) >= 0 && (at as number) <= MAX_TIME;

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

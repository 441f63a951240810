import { concat, fromHex, toHex, u64 } from '../../protocol/bytes.ts';
import { HASH_BYTES, SIGNATURE_BYTES } from '../../protocol/constants.ts';
import { fixedBytes, uint } from '../../protocol/fields.ts';
import { type Signer, verifySignature } from '../../protocol/signature.ts';
import { structure } from '../../protocol/structure.ts';
import { logHash } from './entry.ts';
import type { EventData } from './event.ts';

/** A place in the log: an entry and its hash. */
export interface LogPlace {
  readonly seq: number;
  readonly hash: Uint8Array;
}

/** Where the log ends and begins, written with each change of it. */
export interface LogState extends LogPlace {
  /** Oldest entry kept. */
  readonly first: number;
  /** Of all entries kept. */
  readonly bytes: number;
}

type HeadRecord = LogState & { readonly sig: Uint8Array };

const codec = structure<HeadRecord>('head of the security log', 512, {
  seq: uint(),
  hash: fixedBytes(HASH_BYTES),
  first: uint(),
  bytes: uint(),
  sig: fixedBytes(SIGNATURE_BYTES),
});

const headDigest = ({ seq, hash, first, bytes }: LogState) =>
  logHash('log-head', u64(seq), hash, u64(first), u64(bytes));

export function encodeHead(state: LogState, signer: Signer): Uint8Array {
  const { seq, hash, first, bytes } = state;
  return codec.encode({ seq, hash, first, bytes, sig: signer.sign(headDigest(state)) });
}

/** Undefined when it is not a head that this node signed. */
export function decodeHead(bytes: Uint8Array, publicKey: Uint8Array): LogState | undefined {
  try {
    const { sig, ...state } = codec.decode(bytes);
    return verifySignature(publicKey, headDigest(state), sig) ? state : undefined;
  } catch {
    return undefined;
  }
}

/** A checkpoint signs all up to the entry before it; an anchor signs what was pruned, up to that entry. */
export type Statement = 'checkpoint' | 'anchor';

const digestOf = (kind: Statement, { seq, hash }: LogPlace) => logHash(`log-${kind}`, concat(u64(seq), hash));

/** The data of such an entry: the place as number and hex, and the signature. */
export function sign(kind: Statement, place: LogPlace, signer: Signer): EventData {
  const signature = toHex(signer.sign(digestOf(kind, place)));
  return { through: place.seq, hash: toHex(place.hash), signature };
}

/** The place that such an entry signs; undefined when the signature is not this node's. */
export function signedPlace(kind: Statement, data: EventData, publicKey: Uint8Array): LogPlace | undefined {
  const { through, hash, signature } = data;
  if (typeof through !== 'number' || typeof hash !== 'string' || typeof signature !== 'string') return undefined;
  try {
    const place = { seq: through, hash: fromHex(hash) };
    return verifySignature(publicKey, digestOf(kind, place), fromHex(signature)) ? place : undefined;
  } catch {
    return undefined;
  }
}

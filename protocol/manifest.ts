import type { CID } from 'multiformats/cid';
import { StructureError } from './cbor.ts';
import { nodeCid } from './cid.ts';
import { CodeError, type CodeId, type CodeParameters, validateCode } from './code.ts';
import { HASH_BYTES, MAX_CODE_WIDTH, MAX_NODE_BYTES, PEER_KEY_BYTES } from './constants.ts';
import { badField, type Field, fixedBytes, link, list, oneOf, optional, record, timestamp, uint } from './fields.ts';
import { type Layout, segmentCount, stripeGeometry } from './geometry.ts';
import { decodeSegment, type Segment, stripeOf } from './segment.ts';
import type { Signer } from './signature.ts';
import { type Signed, signedStructure } from './signed-structure.ts';

export interface UnsignedRoot extends Layout {
  readonly network: Uint8Array;
  readonly kind: 'file' | 'tree';
  readonly cipher: 'aes-256-gcm' | 'none';
  /** CIDs of the segments, in order. */
  readonly segments: readonly CID[];
  readonly created: number;
  /** Public key of the owner, who signs. */
  readonly owner: Uint8Array;
  /** Trees only: bytes of the index at the end of the plaintext. */
  readonly indexLength?: number;
}

/** The root of a manifest; its CID is the id of the object (protocol v1 §3). */
export interface Root extends UnsignedRoot {
  readonly sig: Uint8Array;
}

/** A segment CID takes 41 bytes in dag-cbor, so that more than this cannot fit a node. */
const MAX_SEGMENTS = Math.floor(MAX_NODE_BYTES / 41);

const shape = record<CodeParameters>({
  id: uint(2) as Field<CodeId>,
  k: uint(MAX_CODE_WIDTH, 1),
  m: uint(MAX_CODE_WIDTH),
});

/** Parameters of a code that exists; which payload it suits is checked with the root. */
const codeField: Field<CodeParameters> = {
  optional: false,
  check(value, at) {
    const code = shape.check(value, at);
    const reason = codeFault(code, 'packed31');
    if (reason !== undefined) throw badField(at, reason);
    return code;
  },
};

function codeFault(code: CodeParameters, payload: UnsignedRoot['payload']): string | undefined {
  try {
    validateCode(code, payload);
    return undefined;
  } catch (error) {
    if (error instanceof CodeError) return error.message;
    throw error;
  }
}

const codec = signedStructure<UnsignedRoot>({
  name: 'manifest',
  tag: 'manifest',
  maxBytes: MAX_NODE_BYTES,
  fields: {
    network: fixedBytes(HASH_BYTES),
    kind: oneOf('file', 'tree'),
    payload: oneOf('packed31', 'raw4844'),
    cipher: oneOf('aes-256-gcm', 'none'),
    size: uint(),
    code: codeField,
    segments: list(link('node'), MAX_SEGMENTS, 1),
    created: timestamp,
    owner: fixedBytes(PEER_KEY_BYTES),
    indexLength: optional(uint(Number.MAX_SAFE_INTEGER, 1)),
  },
  signedBy: (root) => root.owner,
  check: rootFault,
});

function rootFault(root: UnsignedRoot): string | undefined {
  const { kind, payload, cipher, size, code, segments, indexLength } = root;
  const fault = codeFault(code, payload);
  if (fault !== undefined) return fault;
  if (payload === 'raw4844' && cipher !== 'none') return 'raw 4844 blobs are never encrypted';
  if (kind === 'tree' && indexLength === undefined) return 'a tree needs an index length';
  if (kind === 'file' && indexLength !== undefined) return 'only a tree has an index length';
  if (indexLength !== undefined && indexLength > size)
    return `an index of ${indexLength} bytes does not fit ${size} bytes`;
  const expected = segmentCount(root);
  if (segments.length !== expected) return `${segments.length} segments, but ${size} bytes take ${expected}`;
  return undefined;
}

/** @throws StructureError */
export function encodeRoot(root: Root): Uint8Array {
  return codec.encode(root);
}

/** Checks everything but the signature. @throws StructureError */
export function decodeRoot(bytes: Uint8Array): Root {
  return codec.decode(bytes);
}

/** @throws StructureError; RangeError when the signer is not the owner. */
export function signRoot(unsigned: UnsignedRoot, signer: Signer): Root {
  return codec.sign(unsigned, signer);
}

export function verifyRoot(root: Root): boolean {
  return codec.verify(root as Signed<UnsignedRoot>);
}

/**
 * The segment of a root from its bytes: the CID, the position and every stripe must be those that the root asks for.
 *
 * @throws StructureError
 */
export function readSegment(root: UnsignedRoot, index: number, bytes: Uint8Array): Segment {
  const expected = root.segments[index];
  if (expected === undefined) throw inconsistent(`the manifest has no segment ${index}`);
  if (!nodeCid(bytes).equals(expected)) throw inconsistent(`segment ${index} has another CID than its manifest says`);
  const segment = decodeSegment(bytes, root.code);
  const geometry = stripeGeometry(root, index);
  const last = stripeOf(segment, root.code, segment.stripes.length - 1);
  if (segment.i !== index) throw inconsistent(`segment ${index} says that it is segment ${segment.i}`);
  if (segment.stripes.length !== geometry.stripes || last?.dataCount !== geometry.lastDataCount) {
    throw inconsistent(`segment ${index} does not hold the ${geometry.dataShards} data shards that the size asks for`);
  }
  return segment;
}

function inconsistent(reason: string): StructureError {
  return new StructureError({ code: 'inconsistent', structure: 'segment', reason }, `segment is refused: ${reason}`);
}

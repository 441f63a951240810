import { decode, encode } from '@ipld/dag-cbor';
import { equalBytes } from './bytes.ts';
import { CodedError } from './errors.ts';

/** Why bytes are not the structure they should be. `structure` and `field` name the place, `reason` completes "… is refused: ". */
export type StructureErrorType =
  | { readonly code: 'oversize'; readonly structure: string; readonly bytes: number; readonly maxBytes: number }
  | { readonly code: 'malformed'; readonly structure: string; readonly reason: string }
  | { readonly code: 'not-canonical'; readonly structure: string }
  | { readonly code: 'unsupported-version'; readonly structure: string; readonly version: unknown }
  | { readonly code: 'unknown-field'; readonly field: string }
  | { readonly code: 'missing-field'; readonly field: string }
  | { readonly code: 'bad-field'; readonly field: string; readonly reason: string }
  | { readonly code: 'inconsistent'; readonly structure: string; readonly reason: string };

/** The only error that the encoders and decoders of `protocol/` throw. */
export class StructureError extends CodedError<StructureErrorType> {}

/** Arrays, maps and CID tags inside each other; the deepest structure (an audit receipt) needs 5. */
const MAX_DEPTH = 8;
/** Items per byte: real structures stay below 1 item in 4 bytes; more is only meant to cost memory. */
const MAX_ITEMS = (bytes: number) => 64 + Math.floor(bytes / 3);
const CID_TAG = 42;

/**
 * Walks the items of one dag-cbor value without building anything, so that what follows cannot recurse or grow unboundedly.
 * Accepts integers in their shortest form up to 2^53 − 1, byte and text strings, arrays, maps, tag 42 and booleans.
 *
 * @returns what is wrong, or undefined.
 */
function findFault(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const open = [1];
  let position = 0;
  let left = MAX_ITEMS(bytes.length);
  while (open.length > 0) {
    const top = open.length - 1;
    if (open[top] === 0) {
      open.pop();
      continue;
    }
    open[top] = (open[top] as number) - 1;
    if (position >= bytes.length) return 'the bytes end too early';
    if (left-- === 0) return 'it holds too many items for its length';
    const head = bytes[position++] as number;
    const major = head >> 5;
    const info = head & 31;
    if (major === 7) {
      if (info !== 20 && info !== 21)
        return 'it holds a value that is neither integer, string, list, map, CID nor boolean';
      continue;
    }
    if (info > 27) return 'it holds an item of indefinite length';
    let argument = info;
    if (info >= 24) {
      const width = 1 << (info - 24);
      if (position + width > bytes.length) return 'the bytes end too early';
      if (width === 1) argument = view.getUint8(position);
      else if (width === 2) argument = view.getUint16(position);
      else if (width === 4) argument = view.getUint32(position);
      else argument = view.getUint32(position) * 2 ** 32 + view.getUint32(position + 4);
      if (argument < (width === 1 ? 24 : 2 ** (4 * width))) return 'an integer or a length is not in its shortest form';
      if (argument > Number.MAX_SAFE_INTEGER) return 'an integer is above 2^53 - 1';
      position += width;
    }
    if (major === 2 || major === 3) {
      if (argument > bytes.length - position) return 'the bytes end too early';
      position += argument;
    } else if (major >= 4) {
      if (open.length > MAX_DEPTH) return `it is nested deeper than ${MAX_DEPTH}`;
      if (major === 6 && argument !== CID_TAG) return `it holds the tag ${argument}`;
      const items = major === 6 ? 1 : major === 5 ? 2 * argument : argument;
      if (items > bytes.length - position) return 'the bytes end too early';
      open.push(items);
    }
  }
  return position === bytes.length ? undefined : `${bytes.length - position} bytes follow its end`;
}

/**
 * Decodes strict, canonical dag-cbor: sorted unique keys, shortest integers, definite lengths, no trailing bytes.
 *
 * @throws StructureError
 */
export function decodeCanonical(structure: string, bytes: Uint8Array, maxBytes: number): unknown {
  if (bytes.length > maxBytes) {
    throw new StructureError(
      { code: 'oversize', structure, bytes: bytes.length, maxBytes },
      `${structure} is refused: ${bytes.length} bytes, at most ${maxBytes} are allowed`,
    );
  }
  const fault = findFault(bytes);
  if (fault !== undefined) throw malformed(structure, fault);
  let value: unknown;
  try {
    value = decode(bytes);
  } catch (cause) {
    throw malformed(structure, 'it is not dag-cbor', cause);
  }
  // Re-encoding settles what is left: order of keys, text that is not UTF-8.
  if (!equalBytes(encode(value), bytes)) {
    throw new StructureError(
      { code: 'not-canonical', structure },
      `${structure} is refused: its dag-cbor is not canonical`,
    );
  }
  return value;
}

/** Encodes to dag-cbor within a bound. @throws StructureError oversize */
export function encodeCanonical(structure: string, value: unknown, maxBytes: number): Uint8Array {
  const bytes = encode(value);
  if (bytes.length > maxBytes) {
    throw new StructureError(
      { code: 'oversize', structure, bytes: bytes.length, maxBytes },
      `${structure} is refused: it would take ${bytes.length} bytes, at most ${maxBytes} are allowed`,
    );
  }
  return bytes;
}

export function malformed(structure: string, reason: string, cause?: unknown): StructureError {
  const options = cause === undefined ? undefined : { cause };
  return new StructureError({ code: 'malformed', structure, reason }, `${structure} is refused: ${reason}`, options);
}

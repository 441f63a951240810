import { utf8ToBytes } from '@noble/hashes/utils.js';
import { CID } from 'multiformats/cid';
import { isCanonicalBitmap } from './bitmap.ts';
import { StructureError } from './cbor.ts';
import { type Codec as CidCodec, isHoldfastCid } from './cid.ts';

/** What a field of a structure may hold. The same check runs before encoding and after decoding. */
export interface Field<T> {
  readonly optional: boolean;
  /** Returns the checked value. @throws StructureError that names `at`. */
  check(value: unknown, at: string): T;
}

/** A field for each property of `T`; properties that may be absent use `optional`. */
export type Fields<T> = { readonly [K in keyof T]-?: Field<Exclude<T[K], undefined>> };

export function badField(field: string, reason: string): StructureError {
  return new StructureError({ code: 'bad-field', field, reason }, `${field} is refused: ${reason}`);
}

function field<T>(check: (value: unknown, at: string) => T): Field<T> {
  return { optional: false, check };
}

export function optional<T>(inner: Field<T>): Field<T> {
  return { optional: true, check: inner.check };
}

/** Unsigned integer, at most `max`. */
export function uint(max: number = Number.MAX_SAFE_INTEGER, min = 0): Field<number> {
  return field((value, at) => {
    if (!Number.isSafeInteger(value)) throw badField(at, 'it must be an integer');
    const number = value as number;
    if (number < min || number > max) throw badField(at, `${number} is not in ${min}…${max}`);
    return number;
  });
}

/** Milliseconds since 1970. */
export const timestamp: Field<number> = uint();

export const flag: Field<boolean> = field((value, at) => {
  if (typeof value !== 'boolean') throw badField(at, 'it must be true or false');
  return value;
});

/** One of a closed set of strings. */
export function oneOf<const T extends string>(...choices: readonly T[]): Field<T> {
  return field((value, at) => {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw badField(at, `it must be one of ${choices.join(', ')}`);
    return found;
  });
}

/** Between `min` and `max` bytes. */
export function byteString(max: number, min = 0): Field<Uint8Array> {
  return field((value, at) => {
    if (!(value instanceof Uint8Array)) throw badField(at, 'it must be bytes');
    if (value.length < min || value.length > max) {
      throw badField(at, `${value.length} bytes, but it takes ${min === max ? min : `${min} to ${max}`}`);
    }
    // A Buffer is a Uint8Array with other methods; structures hold plain ones.
    return value.constructor === Uint8Array ? value : new Uint8Array(value.buffer, value.byteOffset, value.length);
  });
}

/** Exactly `length` bytes. */
export function fixedBytes(length: number): Field<Uint8Array> {
  return byteString(length, length);
}

/** A whole number of items of `width` bytes each, one after the other. */
export function packed(width: number, maxItems: number, minItems = 0): Field<Uint8Array> {
  const inner = byteString(width * maxItems, width * minItems);
  return field((value, at) => {
    const bytes = inner.check(value, at);
    if (bytes.length % width !== 0) throw badField(at, `${bytes.length} bytes are not a multiple of ${width}`);
    return bytes;
  });
}

/** Text of at most `maxBytes` bytes in UTF-8, without control characters: it ends up in logs and terminals. */
export function text(maxBytes: number): Field<string> {
  return field((value, at) => {
    if (typeof value !== 'string') throw badField(at, 'it must be text');
    // Length in UTF-16 units bounds the work before the exact length in UTF-8 is known.
    if (value.length > maxBytes || utf8ToBytes(value).length > maxBytes)
      throw badField(at, `it is longer than ${maxBytes} bytes`);
    if (!value.isWellFormed() || /\p{Cc}/u.test(value))
      throw badField(at, 'it holds control characters or broken text');
    return value;
  });
}

/** CIDv1 with sha2-256 and the given codec. */
export function link(codec: CidCodec): Field<CID> {
  return field((value, at) => {
    const cid = CID.asCID(value);
    if (cid === null || !isHoldfastCid(cid, codec)) throw badField(at, `it must be a CIDv1 (${codec}, sha2-256)`);
    return cid;
  });
}

/** A canonical bitmap whose highest bit is below `maxBits`. */
export function bitmap(maxBits: number, min: 'may-be-empty' | 'not-empty' = 'not-empty'): Field<Uint8Array> {
  const inner = byteString(Math.ceil(maxBits / 8), min === 'not-empty' ? 1 : 0);
  return field((value, at) => {
    const bytes = inner.check(value, at);
    if (!isCanonicalBitmap(bytes, maxBits))
      throw badField(at, `it must be a bitmap below ${maxBits} without trailing zero bytes`);
    return bytes;
  });
}

export function list<T>(item: Field<T>, max: number, min = 0): Field<readonly T[]> {
  return field((value, at) => {
    if (!Array.isArray(value)) throw badField(at, 'it must be a list');
    if (value.length < min || value.length > max)
      throw badField(at, `${value.length} items, but it takes ${min} to ${max}`);
    return value.map((entry, i) => item.check(entry, `${at}[${i}]`));
  });
}

/** A map with exactly these keys. */
export function record<T extends object>(fields: Fields<T>): Field<T> {
  const entries = Object.entries(fields) as [string, Field<unknown>][];
  const known = new Set(entries.map(([key]) => key));
  return field((value, at) => {
    if (
      typeof value !== 'object' ||
      value === null ||
      Array.isArray(value) ||
      value instanceof Uint8Array ||
      CID.asCID(value)
    ) {
      throw badField(at, 'it must be a map');
    }
    for (const key of Object.keys(value)) {
      if (!known.has(key)) {
        throw new StructureError(
          { code: 'unknown-field', field: `${at}.${key}` },
          `${at} is refused: unknown field ${JSON.stringify(key)}`,
        );
      }
    }
    const out: Record<string, unknown> = {};
    for (const [key, inner] of entries) {
      const entry: unknown = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
      if (entry !== undefined) out[key] = inner.check(entry, `${at}.${key}`);
      else if (!inner.optional) {
        throw new StructureError(
          { code: 'missing-field', field: `${at}.${key}` },
          `${at} is refused: field ${key} is missing`,
        );
      }
    }
    return out as T;
  });
}

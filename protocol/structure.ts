import { decodeCanonical, encodeCanonical, malformed, StructureError } from './cbor.ts';
import { type Field, type Fields, record } from './fields.ts';

/** Encodes and decodes one kind of structure; both throw StructureError and nothing else. */
export interface Codec<T> {
  readonly structure: string;
  readonly maxBytes: number;
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** Version of every structure; the key `v` is added and checked here and appears in no interface. */
const VERSION = 1;

/**
 * A versioned dag-cbor map with exactly these fields.
 *
 * @param check what no single field can tell: returns what is wrong, or undefined.
 */
export function structure<T extends object>(
  name: string,
  maxBytes: number,
  fields: Fields<T>,
  check: (value: T) => string | undefined = () => undefined,
): Codec<T> {
  const body: Field<T> = record(fields);
  const checked = (value: unknown): T => {
    const result = body.check(value, name);
    const reason = check(result);
    if (reason !== undefined) {
      throw new StructureError({ code: 'inconsistent', structure: name, reason }, `${name} is refused: ${reason}`);
    }
    return result;
  };
  return {
    structure: name,
    maxBytes,
    encode: (value) => encodeCanonical(name, { v: VERSION, ...checked(value) }, maxBytes),
    decode: (bytes) => {
      const value = decodeCanonical(name, bytes, maxBytes);
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'v'))
        throw malformed(name, 'it is not a map with a version');
      const { v, ...rest } = value as { v: unknown };
      if (v !== VERSION) {
        throw new StructureError(
          { code: 'unsupported-version', structure: name, version: v },
          `${name} is refused: this program speaks version ${VERSION} only; update it`,
        );
      }
      return checked(rest);
    },
  };
}

import { equalBytes } from './bytes.ts';
import { SIGNATURE_BYTES } from './constants.ts';
import { type Fields, fixedBytes } from './fields.ts';
import { type Tag, taggedHash } from './hash.ts';
import { type Signer, verifySignature } from './signature.ts';
import { type Codec, structure } from './structure.ts';

export type Signed<T> = T & { readonly sig: Uint8Array };

export interface SignedCodec<T extends object> extends Codec<Signed<T>> {
  /** @throws StructureError when a field is refused; RangeError when `signer` is not the peer the structure names. */
  sign(unsigned: T, signer: Signer): Signed<T>;
  verify(value: Signed<T>): boolean;
}

interface Options<T extends object> {
  readonly name: string;
  readonly tag: Tag;
  readonly maxBytes: number;
  readonly fields: Fields<T>;
  /** Public key of the peer that signs, 32 bytes. */
  readonly signedBy: (value: T) => Uint8Array;
  readonly check?: (value: T) => string | undefined;
}

/** A structure with a field `sig`: Ed25519 over `H(tag, dag-cbor of the structure without sig)`. */
export function signedStructure<T extends object>(options: Options<T>): SignedCodec<T> {
  const { name, tag, maxBytes, fields, signedBy, check } = options;
  const unsigned = structure<T>(name, maxBytes, fields, check);
  const withSignature = { ...fields, sig: fixedBytes(SIGNATURE_BYTES) } as Fields<Signed<T>>;
  const signed = structure<Signed<T>>(name, maxBytes, withSignature, check);
  return {
    ...signed,
    sign(value, signer) {
      if (!equalBytes(signedBy(value), signer.publicKey))
        throw new RangeError(`a ${name} must be signed by the peer it names`);
      return { ...value, sig: signer.sign(taggedHash(tag, unsigned.encode(value))) };
    },
    verify(value) {
      const { sig, ...rest } = value;
      return verifySignature(signedBy(value), taggedHash(tag, unsigned.encode(rest as unknown as T)), sig);
    },
  };
}

import { HASH_BYTES, PEER_KEY_BYTES } from './constants.ts';
import { byteString, fixedBytes, list, text, timestamp, uint } from './fields.ts';
import type { Signer } from './signature.ts';
import { signedStructure } from './signed-structure.ts';

/** An advert, on its topic and as request and response of `hello`. */
export const MAX_ADVERT_BYTES = 4096;
const MAX_SERVICES = 32;
const MAX_ADDRESSES = 8;
const MAX_ADDRESS_BYTES = 256;

export interface UnsignedAdvert {
  readonly network: Uint8Array;
  /** Public key of the peer that speaks and signs. */
  readonly peer: Uint8Array;
  /** The newest of a peer's adverts counts. */
  readonly issuedAt: number;
  /** Program and version, for people: `holdfast/0.1.0`. */
  readonly agent: string;
  /** Bytes offered to others, and how many of them are free. */
  readonly capacity: number;
  readonly free: number;
  /** As configured, possibly empty. */
  readonly region: string;
  /** What the peer does for others, such as `store`; sorted, unique. */
  readonly services: readonly string[];
  /** Multiaddrs in binary form. */
  readonly addresses: readonly Uint8Array[];
}

/** What a peer says about itself (protocol v1 §6, `hello`). */
export interface Advert extends UnsignedAdvert {
  readonly sig: Uint8Array;
}

const codec = signedStructure<UnsignedAdvert>({
  name: 'advert',
  tag: 'hello',
  maxBytes: MAX_ADVERT_BYTES,
  fields: {
    network: fixedBytes(HASH_BYTES),
    peer: fixedBytes(PEER_KEY_BYTES),
    issuedAt: timestamp,
    agent: text(64),
    capacity: uint(),
    free: uint(),
    region: text(64),
    services: list(text(32), MAX_SERVICES),
    addresses: list(byteString(MAX_ADDRESS_BYTES, 1), MAX_ADDRESSES),
  },
  signedBy: (advert) => advert.peer,
  check: ({ capacity, free, services }) => {
    if (free > capacity) return 'more space is free than there is';
    if (services.some((service, i) => i > 0 && (services[i - 1] as string) >= service))
      return 'its services are not sorted and unique';
    return undefined;
  },
});

/** @throws StructureError */
export function encodeAdvert(advert: Advert): Uint8Array {
  return codec.encode(advert);
}

/** Checks everything but the signature. @throws StructureError */
export function decodeAdvert(bytes: Uint8Array): Advert {
  return codec.decode(bytes);
}

/** @throws StructureError; RangeError when the signer is not the peer. */
export function signAdvert(unsigned: UnsignedAdvert, signer: Signer): Advert {
  return codec.sign(unsigned, signer);
}

export function verifyAdvert(advert: Advert): boolean {
  return codec.verify(advert);
}

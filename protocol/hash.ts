import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { concat, toHex } from './bytes.ts';

/** Domain tags of `H(tag, m…)`; each begins with `HOLDFAST1/` on the wire. */
export type Tag =
  | 'network'
  | 'manifest'
  | 'store-receipt'
  | 'stage-claim'
  | 'release'
  | 'challenge'
  | 'challenge-id'
  | 'response'
  | 'refusal'
  | 'audit-set'
  | 'audit-entries'
  | 'audit-seed'
  | 'audit-subset'
  | 'audit-rho'
  | 'accusation'
  | 'hello'
  | 'guardian'
  | 'repair-notice';

const prefixes = new Map<Tag, Uint8Array>();

function prefix(tag: Tag): Uint8Array {
  let bytes = prefixes.get(tag);
  if (bytes === undefined) {
    const name = utf8ToBytes(`HOLDFAST1/${tag}`);
    bytes = concat(Uint8Array.of(name.length), name);
    prefixes.set(tag, bytes);
  }
  return bytes;
}

/** `H(tag, m…) = SHA-256(u8(len tag) ‖ tag ‖ m…)`, 32 bytes. */
export function taggedHash(tag: Tag, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = sha256.create().update(prefix(tag));
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** `network = H(HOLDFAST1/network, name)`, 32 bytes. */
export function networkId(name: string): Uint8Array {
  return taggedHash('network', utf8ToBytes(name));
}

/** The first 8 hex digits of the network id, as methods, topics and the DHT protocol carry it. */
export function networkPrefix(network: Uint8Array): string {
  return toHex(network.subarray(0, 4));
}

import { hash } from 'node:crypto';
import { equalBytes } from '../protocol/bytes.ts';
import { SHARD_BYTES } from '../protocol/constants.ts';

/** SHA-256 of a shard, 32 bytes. */
export function shardId(shard: Uint8Array): Uint8Array {
  return hash('sha256', shard, 'buffer');
}

/** Whether these bytes are the shard of that id: of the right length and with that hash. */
export function isShard(id: Uint8Array, bytes: Uint8Array): boolean {
  return bytes.length === SHARD_BYTES && equalBytes(shardId(bytes), id);
}

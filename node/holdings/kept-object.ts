import type { CID } from 'multiformats/cid';
import type { ShardEntry } from '../store/errors.ts';

/** An object of which a part is to be kept. */
export interface KeptObject {
  readonly cid: CID;
  readonly bytes: Uint8Array;
  /** The owner's public key and peer id. What is kept is charged to the owner. */
  readonly ownerKey: Uint8Array;
  readonly owner: string;
  /** Peer id of who staged it: the owner, or whoever repairs. */
  readonly stagedBy: string;
  /** When the promise ends, milliseconds since 1970; 0 = when the owner releases the object. */
  readonly until: number;
}

/** Shards of one segment, checked against their commitments. */
export interface KeptPart {
  readonly segment: CID;
  readonly node: Uint8Array;
  readonly indices: Uint8Array;
  entries(): ShardEntry[];
}

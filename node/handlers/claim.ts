import type { CID } from 'multiformats/cid';
import { bitmapIndices } from '../../protocol/bitmap.ts';
import type { KeptPart } from '../holdings/kept-object.ts';
import type { LoadedSegment } from '../manifest/loaded-segment.ts';
import type { ShardEntry } from '../store/errors.ts';
import { refuse } from './handler.ts';

/** Shards of one segment that the owner wants a receipt for. */
export class Claim implements KeptPart {
  readonly loaded: LoadedSegment;
  readonly node: Uint8Array;
  readonly indices: Uint8Array;

  constructor(loaded: LoadedSegment, node: Uint8Array, indices: Uint8Array) {
    this.loaded = loaded;
    this.node = node;
    this.indices = indices;
  }

  get segment(): CID {
    return this.loaded.cid;
  }

  /** Made anew at each call: for all segments of a request at once they would take many times its size. */
  entries(): ShardEntry[] {
    return bitmapIndices(this.indices).map((index) => {
      const id = this.loaded.shardId(index);
      if (id === undefined) throw refuse('invalid-request', 'unknown-shards', 'an index is not one of the manifest');
      return { index, id };
    });
  }
}

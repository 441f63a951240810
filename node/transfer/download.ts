import type { CID } from 'multiformats/cid';
import { type Packer, portablePacker } from '../../protocol/blob.ts';
import { FRAME_BYTES, SHARD_BYTES } from '../../protocol/constants.ts';
import { ContentError } from '../../protocol/content-error.ts';
import { type Aead, contentKey, openFrame, payloadLength } from '../../protocol/frame.ts';
import { dataShardCount } from '../../protocol/geometry.ts';
import type { Root } from '../../protocol/manifest.ts';
import type { Clock } from '../clock.ts';
import { freeBytes } from '../free-bytes.ts';
import { linkedController } from './abortable.ts';
import { HolderDirectory } from './holder-directory.ts';
import type { ManifestLocator } from './locate.ts';
import type { CodeBook, FetchClient, HaveClient, PeerDirectory, ReceiptBook } from './ports.ts';
import { type ShardFault, ShardFetcher } from './shard-fetcher.ts';
import { StripeSource } from './stripe-source.ts';
import { TransferError } from './transfer-error.ts';

export interface DownloaderOptions {
  readonly locator: ManifestLocator;
  readonly client: FetchClient & HaveClient;
  readonly peers: PeerDirectory;
  readonly receipts: Pick<ReceiptBook, 'holders'>;
  readonly codes: CodeBook;
  readonly aead: Aead;
  /** Default: the definition. */
  readonly packer?: Packer;
  readonly clock: Clock;
  /** Shards asked for beyond the k′ that are needed; default max(1, ⌈m/4⌉). */
  readonly extraShards?: number;
  readonly hedgeMs?: number;
  /** Bytes of shards fetched ahead of the reader; two stripes at least. */
  readonly readAheadBytes?: number;
  readonly onShardFault?: (fault: ShardFault) => void;
}

/** Half-open: `start` ≤ byte < `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** An object whose manifest was found and checked. */
export interface StoredObject {
  readonly cid: CID;
  readonly root: Root;
  readonly size: number;
  /** Plaintext in order, in pieces of at most 131,072 bytes, which are the reader's own. Leaving the loop cancels what is on its way. */
  read(range?: ByteRange, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined>;
}

const DEFAULT_READ_AHEAD_BYTES = 16 * 1024 * 1024;

/** Brings objects back: finds the manifest and the holders, fetches, checks, decodes, decrypts. */
export class Downloader {
  readonly #options: DownloaderOptions;

  constructor(options: DownloaderOptions) {
    this.#options = options;
  }

  /** @throws TransferError 'not-found' | 'bad-manifest' | 'wrong-network'. Reading without a key throws 'key-missing'. */
  async open(link: { readonly root: CID; readonly key?: Uint8Array }, signal: AbortSignal): Promise<StoredObject> {
    const root = await this.#options.locator.root(link.root, signal);
    return {
      cid: link.root,
      root,
      size: root.size,
      read: (range = { start: 0, end: root.size }, readSignal) => {
        checkRange(range, root.size);
        return this.#read(link.root, root, link.key, range, readSignal);
      },
    };
  }

  async get(
    link: { readonly root: CID; readonly key?: Uint8Array },
    options: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<StoredObject & { readonly stream: AsyncGenerator<Uint8Array, void, undefined> }> {
    const object = await this.open(link, options.signal);
    return { ...object, stream: object.read(options.range, options.signal) };
  }

  async *#read(
    cid: CID,
    root: Root,
    key: Uint8Array | undefined,
    range: ByteRange,
    outer: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const open = this.#opener(cid, root, key);
    const shardBytes = plainShardBytes(root);
    const first = Math.floor(range.start / shardBytes);
    // An empty object has one frame, whose tag is checked all the same.
    const end = root.size === 0 ? 1 : Math.ceil(range.end / shardBytes);
    if (range.start === range.end && root.size > 0) return;
    const { controller, unlink } = linkedController(outer);
    const source = this.#source(cid, root, controller);
    try {
      for await (const { firstShard, shards } of source.stripes(first, end)) {
        for (const [j, shard] of shards) {
          const i = firstShard + j;
          const plain = open(i, shard);
          // Whatever does not share its memory with the shard was copied out of it.
          if (plain.buffer !== shard.buffer) freeBytes(shard);
          const from = Math.max(0, range.start - i * shardBytes);
          const to = Math.min(plain.length, range.end - i * shardBytes);
          if (to > from) yield from === 0 && to === plain.length ? plain : plain.subarray(from, to);
        }
      }
    } finally {
      unlink();
      controller.abort(new DOMException('the download is over', 'AbortError'));
      source.close();
    }
  }

  #source(cid: CID, root: Root, controller: AbortController): StripeSource {
    const { client, peers, receipts, clock, codes, locator, hedgeMs, onShardFault } = this.#options;
    const { signal } = controller;
    const directory = new HolderDirectory({ root: cid, client, peers, receipts, clock, signal });
    const fetcher = new ShardFetcher({
      client,
      clock,
      sources: directory,
      code: root.code,
      ...(hedgeMs === undefined ? {} : { hedgeMs }),
      ...(onShardFault === undefined ? {} : { onShardFault }),
    });
    return new StripeSource({
      cid,
      root,
      code: codes(root.code.id),
      locator,
      directory,
      fetcher,
      signal,
      extraShards: this.#options.extraShards ?? Math.min(root.code.m, Math.max(1, Math.ceil(root.code.m / 4))),
      readAheadBytes: this.#options.readAheadBytes ?? DEFAULT_READ_AHEAD_BYTES,
    });
  }

  /** Shard i → its plaintext. @throws TransferError 'key-missing', and later 'decryption-failed' */
  #opener(cid: CID, root: Root, key: Uint8Array | undefined): (i: number, shard: Uint8Array) => Uint8Array {
    const { aead, packer = portablePacker } = this.#options;
    const { size, payload, cipher } = root;
    if (payload === 'raw4844') return (i, shard) => shard.subarray(0, Math.min(SHARD_BYTES, size - i * SHARD_BYTES));
    if (cipher === 'none') return (i, shard) => packer.unpack(shard, payloadLength(i, size, cipher));
    if (key === undefined) {
      const message = `${cid} is encrypted and the link has no key: use the whole link, with what follows #`;
      throw new TransferError({ code: 'key-missing', root: cid.toString() }, message);
    }
    const content = contentKey(key);
    const count = dataShardCount(root);
    const scratch = new Uint8Array(SHARD_BYTES);
    return (i, shard) => {
      try {
        const sealed = packer.unpack(shard, payloadLength(i, size, cipher), scratch);
        return openFrame(aead, content, i, count, sealed);
      } catch (cause) {
        if (!(cause instanceof ContentError)) throw cause;
        const message = `frame ${i} of ${cid} cannot be decrypted: the key in the link is not the one of this file`;
        throw new TransferError({ code: 'decryption-failed', root: cid.toString(), frame: i }, message, { cause });
      }
    };
  }
}

/** Plaintext bytes of a full data shard. */
function plainShardBytes({ payload }: Root): number {
  return payload === 'raw4844' ? SHARD_BYTES : FRAME_BYTES;
}

function checkRange({ start, end }: ByteRange, size: number): void {
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end);
  if (whole && start >= 0 && start <= end && end <= size) return;
  const message = `bytes ${start} to ${end} are not within the ${size} bytes of the file: ask for a range inside it`;
  throw new TransferError({ code: 'range-not-satisfiable', start, end, size }, message);
}

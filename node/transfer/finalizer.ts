import type { CID } from 'multiformats/cid';
import { bitmapIndices, bitmapOf } from '../../protocol/bitmap.ts';
import { nodeCid } from '../../protocol/cid.ts';
import { MAX_SHARDS_PER_CALL, SHARD_BYTES } from '../../protocol/constants.ts';
import { CodedError } from '../../protocol/errors.ts';
import { shardPosition } from '../../protocol/geometry.ts';
import type { Root } from '../../protocol/manifest.ts';
import { METHODS } from '../../protocol/methods.ts';
import { decodeSegment, type Segment, shardIdAt, storedIndices, stripeOf } from '../../protocol/segment.ts';
import type { Fault } from '../../protocol/status.ts';
import type { Clock } from '../clock.ts';
import { withDeadline } from '../network/deadline.ts';
import { keyFromPeerId } from '../network/peer-key.ts';
import { PlacementError } from '../placement/placement-error.ts';
import { forEachLimited } from './abortable.ts';
import { retryPause } from './failure.ts';
import type { SegmentRecord, UploadJournal } from './journal.ts';
import type { FinalizeClient, HolderChooser, ReceiptBook, StageClient } from './ports.ts';
import type { Rebuild } from './rebuild.ts';
import { receiptFault } from './receipt-check.ts';
import { maxPerRegion, requiredShards } from './required-shards.ts';
import { distinctStripes } from './stripe-groups.ts';
import { TransferError } from './transfer-error.ts';

export interface FinalizerOptions {
  readonly client: FinalizeClient & StageClient;
  readonly chooser: HolderChooser;
  readonly receipts: ReceiptBook;
  readonly rebuild: Rebuild;
  readonly clock: Clock;
  readonly journal: UploadJournal;
  readonly root: Root;
  readonly rootBytes: Uint8Array;
  readonly minShards: number | undefined;
  /** Holders that failed before: asked once, and not waited for long. */
  readonly suspects: ReadonlySet<string>;
  readonly signal: AbortSignal;
  readonly warn: (warning: string) => void;
  /** Shards signed for. */
  readonly onSigned: (shards: number) => void;
}

/** A segment while its receipts come in. */
interface OpenSegment {
  readonly index: number;
  readonly cid: CID;
  readonly node: Uint8Array;
  readonly segment: Segment;
  /** Index → the holder that signed for it. */
  readonly signed: Map<number, string>;
}

interface Entry {
  readonly of: OpenSegment;
  readonly indices: readonly number[];
}

/** Segments held in memory at a time: 8 MiB of nodes at most, whatever the size of the object. */
const WINDOW = 64;
/** Calls at a time, each up to 8 MiB. */
const CONCURRENCY = 4;
/** Room in a request for what surrounds its nodes and bitmaps. */
const ENTRY_OVERHEAD = 64;
/** Shards rebuilt and held in memory at a time, for one new holder. */
const REBUILD_BATCH = Math.min(64, MAX_SHARDS_PER_CALL);
/** For a holder that failed while it was to store: it may be back, but nobody waits long for it. */
const SUSPECT_TIMEOUT_MS = 15_000;
/** New holders tried for what one holder did not sign. */
const REPLACEMENTS = 3;

/**
 * Collects the receipts (protocol v1 §4.4–5): every holder signs for what it staged; what a holder does not sign for is
 * rebuilt from the others and signed for by somebody else.
 */
export class Finalizer {
  readonly #options: FinalizerOptions;
  readonly #rootCid: CID;
  /** Who was asked and did not sign: asked again only when nobody else is left. */
  readonly #failed = new Set<string>();
  /** Everyone who signed. */
  readonly holders = new Set<string>();
  /** Segments of which somebody said that their commitments are not those of the shards. */
  readonly disputed = new Set<number>();

  constructor(options: FinalizerOptions) {
    this.#options = options;
    this.#rootCid = nodeCid(options.rootBytes);
  }

  /** @throws TransferError 'not-acknowledged' when a stripe has too few receipts */
  async run(): Promise<void> {
    const count = this.#options.root.segments.length;
    for (let start = 0; start < count; start += WINDOW) {
      const window = new Map<OpenSegment, SegmentRecord>();
      for (let index = start; index < Math.min(count, start + WINDOW); index++) {
        const record = await this.#options.journal.readSegment(index);
        window.set(this.#open(index, record.node), record);
      }
      await this.#collect(window);
      for (const segment of window.keys()) await this.#complete(segment);
    }
  }

  #open(index: number, node: Uint8Array): OpenSegment {
    const segment = decodeSegment(node, this.#options.root.code);
    return { index, cid: nodeCid(node), node, segment, signed: new Map() };
  }

  /** Asks every holder of the window for its receipts. */
  async #collect(window: ReadonlyMap<OpenSegment, SegmentRecord>): Promise<void> {
    const byPeer = new Map<string, Entry[]>();
    for (const [of, { placed }] of window) {
      for (const { peer, indices } of placed) {
        const entries = byPeer.get(peer) ?? [];
        entries.push({ of, indices: bitmapIndices(indices) });
        byPeer.set(peer, entries);
      }
    }
    const calls = [...byPeer].flatMap(([peer, entries]) => this.#split(entries).map((part) => ({ peer, part })));
    await forEachLimited(calls, CONCURRENCY, async ({ peer, part }) => {
      await this.#finalize(peer, part);
    });
  }

  /** Cuts entries into requests within the bound of the method. */
  #split(entries: readonly Entry[]): Entry[][] {
    const room = METHODS.finalize.maxRequestBytes - this.#options.rootBytes.length - ENTRY_OVERHEAD;
    const parts: Entry[][] = [];
    let left = 0;
    for (const entry of entries) {
      const bytes = entry.of.node.length + bitmapOf(entry.indices).length + ENTRY_OVERHEAD;
      if (bytes > left) {
        parts.push([]);
        left = room;
      }
      parts.at(-1)?.push(entry);
      left -= bytes;
    }
    return parts;
  }

  /** Whether the peer signed for everything. A peer that does not is warned about and passed over. */
  async #finalize(peer: string, entries: readonly Entry[]): Promise<boolean> {
    const { client, clock, rootBytes, signal, suspects, warn } = this.#options;
    const suspect = suspects.has(peer) || this.#failed.has(peer);
    const segments = entries.map(({ of, indices }) => ({ node: of.node, indices: bitmapOf(indices) }));
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      try {
        const ask = (limited: AbortSignal) => client.finalize(peer, rootBytes, segments, limited);
        const receipts = await (suspect ? withDeadline(clock, SUSPECT_TIMEOUT_MS, signal, ask) : ask(signal));
        for (const [i, entry] of entries.entries()) await this.#accept(peer, entry, receipts[i]);
        return true;
      } catch (error) {
        signal.throwIfAborted();
        const pause = suspect || error instanceof BadReceipt ? undefined : retryPause(error, attempt, clock.now());
        if (pause === undefined) {
          this.#failed.add(peer);
          if (isMismatch(error)) for (const { of } of entries) this.disputed.add(of.index);
          warn(
            `holder ${peer} did not sign for its shards (${error instanceof Error ? error.message : String(error)})`,
          );
          return false;
        }
        await clock.sleep(pause, signal);
      }
    }
  }

  async #accept(peer: string, { of, indices }: Entry, receipt: Parameters<ReceiptBook['put']>[0] | undefined) {
    const { root, clock, receipts, onSigned, signal } = this.#options;
    // Whoever gave up has forgotten the receipts.
    signal.throwIfAborted();
    if (receipt === undefined) throw new BadReceipt('a receipt is missing');
    const fault = receiptFault(receipt, {
      network: root.network,
      owner: root.owner,
      holder: keyFromPeerId(peer),
      root: this.#rootCid,
      segment: of.cid,
      indices: bitmapOf(indices),
      now: clock.now(),
      until: 0,
    });
    if (fault !== undefined) throw new BadReceipt(`a receipt is refused: ${fault}`);
    if (!(await receipts.put(receipt))) throw new BadReceipt('a receipt is refused: it takes back an earlier one');
    this.holders.add(peer);
    const before = of.signed.size;
    for (const index of indices) of.signed.set(index, peer);
    onSigned(of.signed.size - before);
  }

  /** Rebuilds what nobody signed for, elsewhere, and checks that every stripe has its receipts. */
  async #complete(of: OpenSegment): Promise<void> {
    for (let attempt = 0; attempt < REPLACEMENTS; attempt++) {
      const missing = storedIndices(of.segment, this.#options.root.code).filter((index) => !of.signed.has(index));
      if (missing.length === 0) return;
      if (!(await this.#replaceMissing(of, missing))) break;
    }
    const { root, minShards } = this.#options;
    const { k, m } = root.code;
    for (const stripe of of.segment.stripes.keys()) {
      const dataCount = stripeOf(of.segment, root.code, stripe)?.dataCount ?? k;
      const need = requiredShards(root.code, dataCount, minShards);
      let have = 0;
      for (let j = 0; j < k + m; j++) if (of.signed.has(stripe * (k + m) + j)) have++;
      if (have < need) throw notSigned(of.index, stripe, have, need);
    }
  }

  /** One round over the missing shards; false when there is nobody to ask. */
  async #replaceMissing(of: OpenSegment, missing: readonly number[]): Promise<boolean> {
    let asked = false;
    for (const group of distinctStripes(this.#options.root.code, missing)) {
      const peer = this.#choose(of, group);
      if (peer === undefined) continue;
      asked = true;
      await this.#rebuildAt(peer, of, group);
    }
    return asked;
  }

  /**
   * Somebody who holds nothing of the segment yet; in a small network, who holds nothing of these stripes, and at last who
   * failed before. What the choice could not keep to is warned about.
   */
  #choose(of: OpenSegment, group: readonly number[]): string | undefined {
    const { chooser, root, suspects, warn } = this.#options;
    const doubtful = [...new Set([...this.#failed, ...suspects])];
    const stripes = new Set(group.map((index) => shardPosition(root.code, index).stripe));
    const ofStripes = [...of.signed].filter(([index]) => stripes.has(shardPosition(root.code, index).stripe));
    const taken = [...new Set(ofStripes.map(([, peer]) => peer))];
    const request = { count: 1, bytesEach: group.length * SHARD_BYTES, maxPerRegion: maxPerRegion(root.code) };
    for (const { beside, exclude } of [
      { beside: [...new Set(of.signed.values())], exclude: doubtful },
      { beside: taken, exclude: doubtful },
      { beside: taken, exclude: [] },
    ]) {
      try {
        const { peers, warnings } = chooser.select({ ...request, beside, exclude });
        for (const warning of warnings) warn(warning);
        return peers[0];
      } catch (error) {
        if (!(error instanceof PlacementError)) throw error;
      }
    }
    return undefined;
  }

  async #rebuildAt(peer: string, of: OpenSegment, indices: readonly number[]): Promise<void> {
    const { client, journal, rebuild, root, signal, warn } = this.#options;
    try {
      for (let start = 0; start < indices.length; start += REBUILD_BATCH) {
        const batch = indices.slice(start, start + REBUILD_BATCH);
        const sources = new Map([...of.signed].map(([index, holder]) => [index, [holder]]));
        const request = { code: root.code, cid: of.cid, segment: of.segment, sources, indices: batch };
        const shards = await rebuild(request, signal);
        const offers = batch.map((index) => ({
          id: shardIdAt(of.segment, root.code, index) as Uint8Array,
          bytes: () => shards.get(index) as Uint8Array,
        }));
        await client.stage(peer, journal.upload, offers, signal);
      }
    } catch (error) {
      signal.throwIfAborted();
      this.#failed.add(peer);
      warn(`${peer} could not take over shards (${error instanceof Error ? error.message : String(error)})`);
      return;
    }
    // A holder has one receipt per segment: the new one covers what it signed for before, too.
    const before = [...of.signed].filter(([, holder]) => holder === peer).map(([index]) => index);
    await this.#finalize(peer, [{ of, indices: [...before, ...indices] }]);
  }
}

class BadReceipt extends Error {}

function isMismatch(error: unknown): boolean {
  if (!(error instanceof CodedError) || error.code !== 'refused-invalid') return false;
  return (error.type as { readonly fault?: Partial<Fault> }).fault?.code === 'commitment-mismatch';
}

function notSigned(segment: number, stripe: number, have: number, need: number): TransferError {
  const message = `stripe ${stripe} of segment ${segment} has receipts for ${have} shards of the ${need} it needs: add the file again when more peers are there`;
  return new TransferError({ code: 'not-acknowledged', segment, stripe, have, need }, message);
}

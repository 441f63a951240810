import { identityFromSeed } from '../../../node/identity/identity.ts';
import { RequestRefused } from '../../../node/network/errors.ts';
import type { Host } from '../../../node/network/host.ts';
import { bitmapIndices, bitmapOf } from '../../../protocol/bitmap.ts';
import { toHex, u32 } from '../../../protocol/bytes.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import { HASH_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { networkId } from '../../../protocol/hash.ts';
import { auditAnswer, auditRequest } from '../../../protocol/messages/audit.ts';
import { evidenceRequest, evidenceResponse } from '../../../protocol/messages/evidence.ts';
import { fetchRequest } from '../../../protocol/messages/fetch.ts';
import { finalizeRequest, finalizeResponse } from '../../../protocol/messages/finalize.ts';
import { type HeldEntry, haveRequest, haveResponse } from '../../../protocol/messages/have.ts';
import { manifestRequest } from '../../../protocol/messages/manifest.ts';
import { releaseRequest } from '../../../protocol/messages/release.ts';
import { stageOffer, stageRequest, stageResult, unpack } from '../../../protocol/messages/stage.ts';
import { decodeRelease, type Release } from '../../../protocol/release.ts';
import { encodeStoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';

const OK = Uint8Array.of(0);

/** A holder in memory that believes everything it is told: only the wire is under test. */
export class FakeHolder {
  readonly shards = new Map<string, Uint8Array>();
  readonly nodes = new Map<string, Uint8Array>();
  /** Shards of any segment, by index. */
  readonly byIndex = new Map<number, Uint8Array>();
  readonly held: HeldEntry[] = [];
  readonly releases: Release[] = [];
  /** What it gives who asks for a release. */
  released: Uint8Array | undefined;
  /** Entries of one `have` page. */
  pageSize = 2;
  readonly #seed: Uint8Array;

  /** @param i the number of the host in hosts.ts */
  constructor(i: number) {
    this.#seed = new Uint8Array(32).fill(i);
  }

  async serve(host: Host): Promise<void> {
    const { reqresp } = host;
    await reqresp.handle('stage', async (bytes, stream) => {
      const ids = unpack(stageRequest.decode(bytes).ids, HASH_BYTES);
      const wanted = ids.flatMap((id, i) => (this.shards.has(toHex(id)) ? [] : [i]));
      await stream.write(OK, stageOffer.encode({ wanted: bitmapOf(wanted) }));
      for (const i of wanted) {
        const shard = await stream.read(SHARD_BYTES);
        if (shard === undefined) throw new Error('too few shards came');
        this.shards.set(toHex(ids[i] as Uint8Array), shard);
      }
      await stream.write(OK, stageResult.encode({ hashes: stageRequest.decode(bytes).ids }));
    });
    await reqresp.handle('finalize', async (bytes, stream) => {
      const request = finalizeRequest.decode(bytes);
      const receipts = request.segments.map(({ node, indices }) => this.receipt(request.root, node, indices));
      await stream.write(OK, finalizeResponse.encode({ receipts }));
    });
    await reqresp.handle('fetch', async (bytes, stream) => {
      await stream.write(OK);
      for (const index of bitmapIndices(fetchRequest.decode(bytes).indices).reverse()) {
        await stream.write(u32(index), this.byIndex.get(index) ?? new Uint8Array(0));
      }
    });
    await reqresp.handle('have', async (bytes, stream) => {
      const { after, release } = haveRequest.decode(bytes);
      if (release && this.released !== undefined) {
        await stream.write(OK, haveResponse.encode({ held: [], more: false, release: this.released }));
        return;
      }
      const start = after === undefined ? 0 : this.held.findIndex(({ segment }) => segment.equals(after)) + 1;
      const page = this.held.slice(start, start + this.pageSize);
      await stream.write(OK, haveResponse.encode({ held: page, more: start + page.length < this.held.length }));
    });
    await reqresp.handle('manifest', async (bytes, stream) => {
      const node = this.nodes.get(manifestRequest.decode(bytes).cid.toString());
      if (node === undefined)
        throw new RequestRefused({ status: 'not-held', code: 'unknown', message: 'no such node' });
      await stream.write(OK, node);
    });
    await reqresp.handle('audit', async (bytes, stream) => {
      const { challenge, sig, set } = auditRequest.decode(bytes);
      const missing = set.map(({ indices }) => indices);
      await stream.write(OK, auditAnswer.encode({ response: challenge.subarray(0, 121), missing, sig }));
    });
    await reqresp.handle('release', async (bytes, stream) => {
      this.releases.push(decodeRelease(releaseRequest.decode(bytes).release));
      await stream.write(OK);
    });
    await reqresp.handle('evidence', async (bytes, stream) => {
      const { peer, after } = evidenceRequest.decode(bytes);
      const more = after === undefined;
      await stream.write(OK, evidenceResponse.encode({ bundles: more ? [peer, peer] : [after], more }));
    });
  }

  /** A receipt of this holder, encoded. */
  receipt(root: Uint8Array, segment: Uint8Array, indices: Uint8Array): Uint8Array {
    const identity = identityFromSeed(this.#seed);
    const unsigned = {
      network: networkId('test'),
      holder: identity.publicKey,
      owner: new Uint8Array(32).fill(1),
      root: nodeCid(root),
      segment: nodeCid(segment),
      indices,
      issuedAt: 1,
      expiresAt: 0,
    };
    return encodeStoreReceipt(signStoreReceipt(unsigned, identity));
  }
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { locatedManifests, whatIsFound } from '../../../node/manifest/located-manifests.ts';
import { SegmentDirectory } from '../../../node/manifest/segment-directory.ts';
import { StoreError } from '../../../node/store/errors.ts';
import { ManifestLocator } from '../../../node/transfer/locate.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import { replicaCode } from '../../../protocol/codes/replica.ts';
import { encodeRoot } from '../../../protocol/manifest.ts';
import { encodeSegment } from '../../../protocol/segment.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { network, sampleSegment } from '../audit/sample-selection.ts';

const { signal } = new AbortController();
const { segment: sample } = sampleSegment('kept', 3);
const ROOT = encodeRoot(sample.root);
const SEGMENT = encodeSegment(sample.segment, sample.root.code);

/** Manifests of which the own copies are `own`, and whatever a peer has. */
function located(own: (cid: CID) => Uint8Array | 'damaged' | undefined, others: readonly Uint8Array[]) {
  const mended: string[] = [];
  const locator = new ManifestLocator({
    network,
    own: {
      async get(cid) {
        const bytes = own(cid);
        if (bytes === 'damaged') throw new StoreError({ code: 'damaged-record', table: 'node', key: cid.bytes });
        return bytes;
      },
    },
    mended: {
      putRoot: async (cid) => void mended.push(`root ${cid}`),
      putSegment: async (root, cid) => void mended.push(`segment ${cid} of ${root}`),
    },
    client: {
      async manifest(_peer, cid) {
        const bytes = others.find((one) => nodeCid(one).equals(cid));
        if (bytes === undefined) throw new Error('not here');
        return bytes;
      },
    },
    peers: { connected: () => ['peer'], async *findProviders() {} },
    receipts: { holders: async () => [] },
    clock: new ManualClock(),
  });
  const directory = new SegmentDirectory(locatedManifests(locator), () => replicaCode());
  const load = () => whatIsFound(directory).load(sample.rootCid, sample.cid, signal);
  return { load, mended };
}

test('what is damaged in the own store is had from others, and mended', async () => {
  const { load, mended } = located(() => 'damaged', [ROOT, SEGMENT]);
  assert.deepEqual((await load())?.segment, sample.segment);
  assert.deepEqual(mended, [`root ${sample.rootCid}`, `segment ${sample.cid} of ${sample.rootCid}`]);
});

test('what is damaged and nobody has, and what cannot be read, is missing and no failure', async () => {
  assert.equal(await located((cid) => (cid.equals(sample.cid) ? 'damaged' : ROOT), []).load(), undefined);
  assert.equal(await located(() => 'damaged', []).load(), undefined);
  const unreadable = located((cid) => (cid.equals(sample.cid) ? Uint8Array.of(0xff) : ROOT), []);
  assert.equal(await unreadable.load(), undefined);
  assert.deepEqual(unreadable.mended, []);
});

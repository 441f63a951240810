import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { locatedManifests } from '../../../node/manifest/located-manifests.ts';
import {
  keptManifests,
  type ManifestSource,
  positionsOf,
  SegmentDirectory,
} from '../../../node/manifest/segment-directory.ts';
import { TransferError } from '../../../node/transfer/transfer-error.ts';
import type { CodeParameters, ErasureCode } from '../../../protocol/code.ts';
import { replicaCode } from '../../../protocol/codes/replica.ts';
import { FRAME_BYTES } from '../../../protocol/constants.ts';
import { type SampleObject, sampleObject } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf } from '../../helpers/store-home.ts';

/** Begins like a compressed point. */
const commit = async (blob: Uint8Array): Promise<Uint8Array> => blob.slice(0, 48).fill(0x80, 0, 1);

/** A code whose parity is the data itself, and whose commitments are counted. */
function countingCode() {
  const counts = { derived: 0, fail: false };
  const code: ErasureCode = {
    id: 1,
    encode: async (data, _k, m) => Array.from({ length: m }, (_, i) => data[i % data.length] as Uint8Array),
    reconstruct: () => Promise.reject(new Error('unused')),
    async parityCommitment(commitments, _k, _m, j) {
      counts.derived++;
      if (counts.fail) throw new Error('no point');
      return commitments[j % commitments.length] as Uint8Array;
    },
  };
  return { code, counts };
}

function objectOf(code: ErasureCode, parameters: CodeParameters, frames: number): Promise<SampleObject> {
  const owner = signerOf('owner');
  const network = new Uint8Array(32);
  return sampleObject({ commit, code, parameters, network, owner, size: frames * FRAME_BYTES });
}

/** The nodes of an object, and how often each was read. */
function nodesOf(object: SampleObject) {
  const nodes = new Map([[object.rootCid.toString(), object.rootBytes]]);
  for (const { cid, bytes } of object.segments) nodes.set(cid.toString(), bytes);
  const reads: string[] = [];
  const get = async (cid: CID) => {
    reads.push(cid.toString());
    return nodes.get(cid.toString());
  };
  return { get, reads, nodes };
}

test('nodes are read and decoded once while they are in use', async () => {
  const { code } = countingCode();
  const object = await objectOf(code, { id: 1, k: 2, m: 1 }, 3);
  const { get, reads } = nodesOf(object);
  const directory = new SegmentDirectory(keptManifests({ get }), () => code);
  const cid = object.segments[0]?.cid as CID;
  const loaded = await directory.load(object.rootCid, cid);
  assert.strictEqual(await directory.load(object.rootCid, cid), loaded);
  assert.deepEqual(await directory.root(object.rootCid), object.root);
  assert.deepEqual(reads, [object.rootCid, cid].map(String));
  assert.deepEqual([...positionsOf(object.root).values()], [0]);
});

test('what is not kept, or not listed, is not there', async () => {
  const { code } = countingCode();
  const object = await objectOf(code, { id: 1, k: 2, m: 1 }, 3);
  const other = await objectOf(code, { id: 1, k: 2, m: 1 }, 1);
  const { get, nodes } = nodesOf(object);
  const directory = new SegmentDirectory(keptManifests({ get }), () => code);
  const cid = object.segments[0]?.cid as CID;
  assert.equal(await directory.root(other.rootCid), undefined);
  assert.equal(await directory.load(other.rootCid, cid), undefined);
  assert.equal(await directory.load(object.rootCid, other.segments[0]?.cid as CID), undefined);
  nodes.delete(cid.toString());
  assert.equal(await directory.load(object.rootCid, cid), undefined);
});

test('parity commitments are derived once, only those asked for, also when many ask at once; a failure is not kept', async () => {
  const { code, counts } = countingCode();
  const object = await objectOf(code, { id: 1, k: 2, m: 2 }, 3);
  const { get } = nodesOf(object);
  const loaded = await new SegmentDirectory(keptManifests({ get }), () => code).load(
    object.rootCid,
    object.segments[0]?.cid as CID,
  );
  assert.ok(loaded !== undefined);
  counts.fail = true;
  await assert.rejects(loaded.commitment(2), /no point/);
  counts.fail = false;
  counts.derived = 0;
  const given = await Promise.all([2, 3, 2].map((index) => loaded.commitment(index)));
  assert.equal(counts.derived, 2);
  assert.deepEqual(given[1], await loaded.commitment(1));
  assert.deepEqual(given[0], given[2]);
  await loaded.commitment(0);
  await loaded.commitment(6);
  await loaded.commitment(3);
  assert.equal(counts.derived, 3);
  const gone = AbortSignal.abort(new Error('gone'));
  await assert.rejects(loaded.commitment(2, gone), /gone/);
  // Position 1 of the short stripe is nobody's.
  await assert.rejects(loaded.commitment(5), RangeError);
});

test('segments in use longest ago are forgotten, by their weight', async () => {
  const object = await objectOf(replicaCode(), { id: 0, k: 1, m: 0 }, 1);
  const [stripe] = object.segments[0]?.segment.stripes ?? [];
  assert.ok(stripe !== undefined);
  const stripes = Array(1024).fill(stripe);
  let reads = 0;
  const source: ManifestSource = {
    root: async (cid) => ({ ...object.root, segments: [cid] }),
    async segment() {
      reads++;
      return { i: 0, stripes };
    },
  };
  const directory = new SegmentDirectory(source, () => replicaCode());
  const cids = Array.from({ length: 80 }, (_, i) => cidOf(`object ${i}`));
  for (const cid of cids) assert.equal((await directory.load(cid, cid))?.weight, 1024 * (48 + 32 + 512));
  const [first, last] = [cids[0], cids.at(-1)] as [CID, CID];
  await directory.load(last, last);
  assert.equal(reads, 80);
  await directory.load(first, first);
  assert.equal(reads, 81);
});

test('elsewhere: a root that nobody has is an error, a segment out of reach is not there', async () => {
  const { code } = countingCode();
  const object = await objectOf(code, { id: 1, k: 2, m: 1 }, 1);
  const notFound = (cid: CID) => new TransferError({ code: 'not-found', cid: cid.toString(), asked: 1 }, 'nobody');
  const directory = new SegmentDirectory(
    locatedManifests({
      async root(cid) {
        if (!cid.equals(object.rootCid)) throw notFound(cid);
        return object.root;
      },
      segment: (_root, root) => Promise.reject(notFound(root.segments[0] as CID)),
    }),
    () => code,
  );
  await assert.rejects(directory.root(cidOf('nothing')), { code: 'not-found' });
  assert.equal(await directory.load(object.rootCid, object.segments[0]?.cid as CID), undefined);
});

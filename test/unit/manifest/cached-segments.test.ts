import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cachedSegments } from '../../../node/manifest/cached-segments.ts';
import { locatedManifests } from '../../../node/manifest/located-manifests.ts';
import { SegmentDirectory } from '../../../node/manifest/segment-directory.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import { hashCommitment } from '../../helpers/memory-network.ts';
import { sampleObject } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';
import { TransferBench } from '../../helpers/transfer-bench.ts';

test('a segment is looked for once, however often it is looked at', async () => {
  const { codes, networkId: network } = new TransferBench(0);
  const base = { code: codes(1), parameters: { id: 1, k: 4, m: 2 }, network, owner: signerOf('owner') } as const;
  const { root, rootBytes, segments } = await sampleObject({
    ...base,
    commit: async (shard) => hashCommitment(shard),
    size: 100_000,
  });
  let looked = 0;
  const locator = {
    root: async () => root,
    segment: async () => {
      looked++;
      return (segments[0] as (typeof segments)[number]).segment;
    },
  };
  const cached = cachedSegments(new SegmentDirectory(locatedManifests(locator), codes), locator);
  const { signal } = new AbortController();
  const get = () => cached.segment(nodeCid(rootBytes), root, 0, signal);
  assert.deepEqual([await get(), await get()], [segments[0]?.segment, segments[0]?.segment]);
  assert.equal(looked, 1);
});

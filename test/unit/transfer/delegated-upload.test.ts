import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { KzgError } from '../../../node/kzg/engine.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { FRAME_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { decodeSegment, stripeOf } from '../../../protocol/segment.ts';
import { isFalseClaim, signStageClaim } from '../../../protocol/stage-claim.ts';
import { hashCommitment, MemoryFailure, type MemoryPeer } from '../../helpers/memory-network.ts';
import { stream } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';
import { collect, pieces, TransferBench } from '../../helpers/transfer-bench.ts';

const signal = new AbortController().signal;
const code = { k: 4, m: 2 } as const;
const FRAMES = 31;
const content = stream('delegated', FRAMES * FRAME_BYTES + 100);
const DATA_SHARDS = 32;
const delegated = { kind: 'file', code, commitments: 'delegated' } as const;

async function readBack(bench: TransferBench, link: { readonly root: CID; readonly key: Uint8Array }) {
  return collect((await bench.downloader().open(link, signal)).read());
}

/** Every commitment that the manifest lists is that of the shard whose hash it lists. */
function assertCommitments(bench: TransferBench, codeId: 0 | 1 | 2 = 1, k = 4, m = 2): void {
  const shards = new Map(bench.network.all.flatMap(({ staged }) => [...staged]));
  let checked = 0;
  for (const [cid, node] of bench.nodes) {
    if (bench.catalog.some(({ root }) => root.toString() === cid)) continue;
    const segment = decodeSegment(node, { id: codeId, k, m });
    for (const s of segment.stripes.keys()) {
      const { commitments = [], hashes = [], dataCount = 0 } = stripeOf(segment, { id: codeId, k, m }, s) ?? {};
      const listed = codeId === 2 ? hashes.filter((hash) => hash !== undefined) : hashes.slice(0, dataCount);
      assert.equal(commitments.length, codeId === 0 ? 1 : listed.length);
      for (const [i, commitment] of commitments.entries()) {
        assert.deepEqual(commitment, hashCommitment(shards.get(toHex(listed[i] as Uint8Array)) as Uint8Array));
        checked++;
      }
    }
  }
  assert.ok(checked > 0);
}

const lying = (peer: MemoryPeer, from = 0) => {
  let claims = 0;
  peer.claim = (id, commitment) => (claims++ < from ? commitment : hashCommitment(id));
};

test('holders commit data shards only; the uploader checks them and makes none', async () => {
  const bench = new TransferBench(6);
  const added = await bench.uploader().add(pieces(content), delegated);
  assert.deepEqual(added.commitments, { mode: 'delegated', reason: 'as asked for', claimed: DATA_SHARDS });
  assert.equal(bench.commits, 0);
  assert.equal(
    bench.network.all.reduce((sum, { claimed }) => sum + claimed, 0),
    DATA_SHARDS,
  );
  assert.deepEqual(bench.windows, [DATA_SHARDS]);
  assertCommitments(bench);
  assert.deepEqual(await readBack(bench, added), content);
});

test('with the smallest pool the windows are small, and nothing waits forever', async () => {
  const bench = new TransferBench(6);
  const uploader = bench.uploader({ maxBufferBytes: 2 * 6 * SHARD_BYTES });
  const added = await uploader.add(pieces(content), delegated);
  assert.deepEqual(bench.windows, [8, 8, 8, 8]);
  assert.deepEqual(await readBack(bench, added), content);
});

test('local asks no holder', async () => {
  const bench = new TransferBench(6);
  const added = await bench.uploader().add(pieces(content), { ...delegated, commitments: 'local' });
  assert.deepEqual(added.commitments, { mode: 'local', reason: 'as asked for', claimed: 0 });
  assert.equal(bench.commits, DATA_SHARDS);
  assert.deepEqual(bench.windows, []);
  assertCommitments(bench);
});

test('copies and byte codes list what their holders claim: one commitment, or those of parity too', async () => {
  const copies = new TransferBench(3);
  const replica = { ...delegated, code: { k: 1, m: 2 }, codeId: 0 } as const;
  const small = content.subarray(0, 3 * FRAME_BYTES);
  const first = await copies.uploader().add(pieces(small), replica);
  assert.equal(first.commitments.claimed, 3);
  assertCommitments(copies, 0, 1, 2);
  assert.deepEqual(await readBack(copies, first), small);

  const bench = new TransferBench(6);
  await bench.start();
  try {
    const second = await bench.uploader().add(pieces(content), { ...delegated, codeId: 2 });
    assert.equal(second.commitments.claimed, DATA_SHARDS + 16);
    assertCommitments(bench, 2);
    assert.deepEqual(await readBack(bench, second), content);
  } finally {
    await bench.stop();
  }
});

test('a liar is named, replaced and convicted; the right commitment wins', async () => {
  for (const from of [0, 1, 3]) {
    const bench = new TransferBench(8);
    const liar = bench.network.all[2] as MemoryPeer;
    lying(liar, from);
    const uploader = bench.uploader({
      chooser: bench.placement(() => new Uint8Array(8)),
      maxBufferBytes: 2 * 6 * SHARD_BYTES,
    });
    const added = await uploader.add(pieces(content), delegated);
    assert.match(
      added.warnings.join(),
      new RegExp(`holder ${liar.id} failed and was replaced \\(it signed a commitment`),
    );
    assert.equal(bench.evidence.length, 1);
    const [{ claim, id, right, at }] = bench.evidence as [(typeof bench.evidence)[number]];
    assert.deepEqual(claim.holder, liar.signer.publicKey);
    assert.equal(isFalseClaim(claim, id, right), true);
    assert.deepEqual(right, hashCommitment(liar.staged.get(toHex(id)) as Uint8Array));
    assert.ok(at > 0);
    // The shard it lied about is signed for by somebody else.
    const keeps = (peer: MemoryPeer) =>
      [...peer.stored.values()].some((held) => [...held.values()].includes(toHex(id)));
    assert.deepEqual([keeps(liar), bench.network.all.filter(keeps).length], [false, 1]);
    assertCommitments(bench);
    assert.deepEqual(await readBack(bench, added), content);
  }
});

test('a liar keeps nothing of the stripes that are still in memory, whichever of them convicted it', async () => {
  const bench = new TransferBench(8);
  const liar = bench.network.all[2] as MemoryPeer;
  lying(liar, 3);
  const uploader = bench.uploader({ chooser: bench.placement(() => new Uint8Array(8)) });
  const added = await uploader.add(pieces(content), delegated);
  assert.deepEqual([bench.windows.length, bench.evidence.length], [1, 1]);
  assert.ok(liar.received > 4, 'it had shards of stripes that did not convict it');
  assert.deepEqual([liar.stored.size, liar.calls.finalize], [0, 0]);
  assertCommitments(bench);
  assert.deepEqual(await readBack(bench, added), content);
});

test('several liars in one window are all found', async () => {
  const bench = new TransferBench(9);
  const liars = bench.network.all.slice(0, 3);
  for (const peer of liars) lying(peer);
  const uploader = bench.uploader({ chooser: bench.placement(() => new Uint8Array(8)) });
  const added = await uploader.add(pieces(content), delegated);
  const accused = bench.evidence.map(({ claim }) => toHex(claim.holder)).sort();
  assert.deepEqual(accused, liars.map(({ signer }) => toHex(signer.publicKey)).sort());
  assertCommitments(bench);
  assert.deepEqual(await readBack(bench, added), content);
});

test('a claim that its holder did not sign is not accepted, and accuses nobody', async () => {
  const bench = new TransferBench(7);
  const victim = bench.network.all[0] as MemoryPeer;
  victim.forgeClaim = (claim) => signStageClaim(claim, signerOf('somebody else'));
  const uploader = bench.uploader({ chooser: bench.placement(() => new Uint8Array(8)) });
  const added = await uploader.add(pieces(content), delegated);
  assert.match(
    added.warnings.join(),
    new RegExp(`holder ${victim.id} failed and was replaced .* are not signed by it`),
  );
  assert.deepEqual(bench.evidence, []);
  assertCommitments(bench);
});

test('who refuses to commit keeps its shards; their commitments are made here', async () => {
  const bench = new TransferBench(6);
  for (const peer of bench.network.all.slice(0, 3)) peer.commits = false;
  const added = await bench.uploader().add(pieces(content), delegated);
  assert.deepEqual(added.warnings, []);
  assert.equal(added.commitments.claimed + bench.commits, DATA_SHARDS);
  assert.ok(bench.commits > 0 && added.commitments.claimed > 0);
  assertCommitments(bench);

  const nobody = new TransferBench(6);
  for (const peer of nobody.network.all) peer.commits = false;
  await nobody.uploader().add(pieces(content), delegated);
  assert.equal(nobody.commits, DATA_SHARDS);
  assertCommitments(nobody);
});

test('a holder that never has time to commit, or to say so, is asked to store only', async () => {
  const failures = [
    new MemoryFailure({ code: 'refused-busy', retryAt: 0 }, 'busy'),
    new MemoryFailure({ code: 'timeout' }, 'silent'),
  ];
  for (const failure of failures) {
    const bench = new TransferBench(6);
    const slow = bench.network.all[0] as MemoryPeer;
    const honest = bench.network.stageAndCommit.bind(bench.network);
    bench.network.stageAndCommit = (peer, ...rest) => {
      if (peer === slow.id) throw failure;
      return honest(peer, ...rest);
    };
    const added = await bench.uploader().add(pieces(content), delegated);
    assert.deepEqual(added.warnings, []);
    assert.equal(slow.claimed, 0);
    assert.ok(bench.commits > 0);
    assertCommitments(bench);
  }
});

test('our own engine cannot make us accuse anybody', async () => {
  const bench = new TransferBench(7);
  const { committer } = bench;
  // The check is wrong, the commitment made here says so.
  const wrongCheck = { ...committer, batchCheck: async () => [0, 1] };
  const added = await bench.uploader({ committer: wrongCheck }).add(pieces(content), delegated);
  assert.deepEqual([bench.evidence, added.warnings], [[], []]);
  assertCommitments(bench);
  // Commitments made here are wrong, or no points: the library does not confirm them, and makes them itself.
  const commit = async () => new Uint8Array(48);
  const verify: typeof committer.verify = (commitment, ...rest) => {
    if (commitment[0] !== 0) return committer.verify(commitment, ...rest);
    throw new KzgError({ code: 'invalid-commitment', index: 0, reason: 'no point' }, 'no point');
  };
  for (const wrong of [{ commit }, { commit, verify }]) {
    const again = await bench.uploader({ committer: { ...wrongCheck, ...wrong } }).add(pieces(content), delegated);
    assert.deepEqual([bench.evidence, again.warnings], [[], []]);
    assertCommitments(bench);
  }
  // The library contradicts itself.
  const broken = { ...wrongCheck, commit, checked: () => ({ commit, open: committer.open }) };
  await assert.rejects(bench.uploader({ committer: broken }).add(pieces(content), delegated), {
    code: 'engine-inconsistent',
  });
  assert.deepEqual(bench.evidence, []);
});

test('a liar is convicted also where our own openings are wrong', async () => {
  const bench = new TransferBench(8);
  lying(bench.network.all[2] as MemoryPeer);
  const open = async () => ({ y: new Uint8Array(32), proof: new Uint8Array(48) });
  const uploader = bench.uploader({
    chooser: bench.placement(() => new Uint8Array(8)),
    committer: { ...bench.committer, open },
  });
  await uploader.add(pieces(content), delegated);
  assert.equal(bench.evidence.length, 1);
  assertCommitments(bench);
});

test('an interrupted upload goes on in either mode, and asks again only for what was not checked', async () => {
  for (const modes of [
    ['delegated', 'delegated'],
    ['delegated', 'local'],
    ['local', 'delegated'],
  ] as const) {
    const bench = new TransferBench(6);
    const options = { ...delegated, sourceId: 'ab'.repeat(32) };
    const uploader = () => bench.uploader({ maxBufferBytes: 2 * 6 * SHARD_BYTES });
    let staged = 0;
    bench.journals.onPut = (entry) => {
      if (entry.startsWith('staged/') && ++staged === 4) throw new Error('the power went');
    };
    await assert.rejects(uploader().add(pieces(content), { ...options, commitments: modes[0] }), /the power went/);
    bench.journals.onPut = () => {};
    const before = bench.commits + bench.windows.reduce((sum, size) => sum + size, 0);
    const added = await uploader().add(pieces(content), { ...options, commitments: modes[1] });
    const after = bench.commits + bench.windows.reduce((sum, size) => sum + size, 0);
    assert.ok(added.resumedBytes > 0);
    assert.equal(after - before, DATA_SHARDS - 3 * code.k);
    assertCommitments(bench);
    assert.deepEqual(await readBack(bench, added), content);
  }
});

test('an abort ends an upload whose claims wait for their window', async () => {
  const bench = new TransferBench(6);
  const controller = new AbortController();
  async function* stalled() {
    yield* pieces(content.subarray(0, 9 * FRAME_BYTES));
    while (bench.network.all.reduce((sum, { claimed }) => sum + claimed, 0) < 8)
      await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error('enough'));
    await new Promise(() => {});
  }
  await assert.rejects(bench.uploader().add(stalled(), { ...delegated, signal: controller.signal }), /enough/);
  assert.deepEqual(bench.windows, []);
  assert.equal(bench.catalog.length, 0);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { evidenceHandler } from '../../../node/handlers/evidence.ts';
import { haveHandler } from '../../../node/handlers/have.ts';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { compareBytes } from '../../../protocol/bytes.ts';
import { evidenceRequest, evidenceResponse, MAX_EVIDENCE_PAGE_BYTES } from '../../../protocol/messages/evidence.ts';
import { type HaveRequest, haveRequest, haveResponse, MAX_HAVE_PAGE_BYTES } from '../../../protocol/messages/have.ts';
import { encodeRelease, type Release, signRelease } from '../../../protocol/release.ts';
import { decodeStoreReceipt, type StoreReceipt } from '../../../protocol/store-receipt.ts';
import { callHandler } from '../../helpers/memory-exchange.ts';
import { sha256, stream } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf } from '../../helpers/store-home.ts';

const caller = { remote: 'caller', remoteKey: signerOf('caller').publicKey };
const ROOT = cidOf('root');

function receipts(count: number, indices: Uint8Array): StoreReceipt[] {
  return Array.from({ length: count }, (_, i) => ({
    network: new Uint8Array(32),
    holder: new Uint8Array(32).fill(1),
    owner: new Uint8Array(32).fill(2),
    root: ROOT,
    segment: cidOf(`segment ${i}`),
    indices,
    issuedAt: 1,
    expiresAt: 0,
    sig: new Uint8Array(64),
  })).sort((a, b) => compareBytes(a.segment.bytes, b.segment.bytes));
}

/** A holder of these receipts; `looked` counts those it looked at. */
function holding(all: readonly StoreReceipt[], release?: Release) {
  const counts = { looked: 0 };
  const handler = haveHandler({
    receipts: {
      async *scan({ after }) {
        for (const receipt of all) {
          if (after === undefined || compareBytes(receipt.segment.bytes, after.bytes) > 0) yield receipt;
        }
      },
      ofSegment: async (segment) => all.filter((receipt) => receipt.segment.equals(segment)),
    },
    releases: { get: async (root) => (release?.root.equals(root) ? release : undefined) },
    holdings: {
      async present({ indices }) {
        counts.looked++;
        return indices;
      },
    },
  });
  const ask = async (request: HaveRequest) => {
    const { reply } = await callHandler(handler, haveRequest.encode(request), caller);
    assert.ok(reply.status === 'ok');
    assert.ok(reply.body.length <= MAX_HAVE_PAGE_BYTES);
    return haveResponse.decode(reply.body);
  };
  return { ask, counts };
}

for (const [name, count, indices] of [
  ['small', 700, bitmapOf([0, 5])],
  ['wide', 40, new Uint8Array(6_000).fill(0xff)],
] as const) {
  test(`what is held comes in pages, in order and all of it: ${name} receipts`, async () => {
    const all = receipts(count, indices);
    const { ask, counts } = holding(all);
    const seen: CID[] = [];
    let pages = 0;
    for (let more = true; more; pages++) {
      const after = seen.at(-1);
      const page = await ask(after === undefined ? { root: ROOT } : { root: ROOT, after });
      seen.push(...page.held.map(({ segment }) => segment));
      more = page.more;
    }
    assert.deepEqual(
      seen.map(String),
      all.map(({ segment }) => segment.toString()),
    );
    assert.ok(pages > 3);
    // A page looks at its own entries, and at one more.
    assert.ok(counts.looked < count + pages);
  });
}

test('a segment is asked for by itself', async () => {
  const [first, second] = receipts(2, bitmapOf([3])) as [StoreReceipt, StoreReceipt];
  const { ask } = holding([first, second]);
  const { held, more } = await ask({ segment: second.segment });
  assert.deepEqual(
    held.map(({ receipt }) => decodeStoreReceipt(receipt).segment.toString()),
    [second.segment.toString()],
  );
  assert.equal(more, false);
  assert.deepEqual(await ask({ segment: first.segment, after: first.segment }), { held: [], more: false });
});

test('a release is given where it is asked for, and nothing else, also where there is none', async () => {
  const owner = signerOf('owner');
  const release = signRelease({ network: new Uint8Array(32), owner: owner.publicKey, root: ROOT, issuedAt: 1 }, owner);
  const { ask, counts } = holding(receipts(3, bitmapOf([1])), release);
  assert.deepEqual(await ask({ root: ROOT, release: true }), {
    held: [],
    more: false,
    release: Uint8Array.from(encodeRelease(release)),
  });
  assert.equal((await ask({ root: ROOT })).held.length, 3);
  const kept = holding(receipts(3, bitmapOf([1])));
  assert.deepEqual(await kept.ask({ root: ROOT, release: true }), { held: [], more: false });
  assert.deepEqual([counts.looked, kept.counts.looked], [3, 0]);
});

function proving(bundles: readonly Uint8Array[]) {
  const handler = evidenceHandler({
    evidence: {
      async *about() {
        yield* bundles;
      },
    },
  });
  return async (after?: Uint8Array) => {
    const peer = signerOf('accused').publicKey;
    const request = evidenceRequest.encode(after === undefined ? { peer } : { peer, after });
    return (await callHandler(handler, request, caller)).reply;
  };
}

test('evidence comes in pages, each from behind the last bundle of the one before', async () => {
  const bundles = Array.from({ length: 100 }, (_, i) => stream(`bundle ${i}`, 9_000));
  const ask = proving(bundles);
  const seen: Uint8Array[] = [];
  for (let more = true; more; ) {
    const last = seen.at(-1);
    const reply = await ask(last && sha256(last));
    assert.ok(reply.status === 'ok' && reply.body.length <= MAX_EVIDENCE_PAGE_BYTES);
    const page = evidenceResponse.decode(reply.body);
    seen.push(...page.bundles);
    more = page.more;
  }
  assert.deepEqual(seen, bundles);
});

test('nothing about a peer is an empty page; a page behind nothing known is refused', async () => {
  const empty = await proving([])();
  assert.deepEqual(empty.status === 'ok' && evidenceResponse.decode(empty.body), { bundles: [], more: false });
  const lost = await proving([stream('bundle', 100)])(new Uint8Array(32));
  assert.deepEqual([lost.status, 'code' in lost && lost.code], ['invalid-request', 'unknown-bundle']);
});

test('a bundle that fits no page does not hide the others', async () => {
  const small = stream('small', 100);
  const reply = await proving([new Uint8Array(MAX_EVIDENCE_PAGE_BYTES), small])();
  assert.deepEqual(reply.status === 'ok' && evidenceResponse.decode(reply.body), { bundles: [small], more: false });
});

test('256 bundles are the most of a page', async () => {
  const bundles = Array.from({ length: 300 }, (_, i) => Uint8Array.of(i >> 8, i));
  const reply = await proving(bundles)();
  assert.ok(reply.status === 'ok');
  const page = evidenceResponse.decode(reply.body);
  assert.deepEqual([page.bundles.length, page.more], [256, true]);
});

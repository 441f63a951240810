import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Auditor } from '../../../node/audit/auditor.ts';
import { Prover } from '../../../node/audit/prover.ts';
import { Selection } from '../../../node/audit/selection.ts';
import { systemClock } from '../../../node/clock.ts';
import { erasureCodes } from '../../../node/coding/codes.ts';
import { ReedSolomon } from '../../../node/coding/reed-solomon.ts';
import { createKzgEngine } from '../../../node/kzg/create-engine.ts';
import { silentLogger } from '../../../node/log.ts';
import { LoadedSegment } from '../../../node/manifest/loaded-segment.ts';
import { StoreError } from '../../../node/store/errors.ts';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { decodeChallenge, encodeChallenge, signChallenge } from '../../../protocol/challenge.ts';
import { frLagrangeCode } from '../../../protocol/codes/fr-lagrange.ts';
import { networkId } from '../../../protocol/hash.ts';
import type { AuditAnswer, AuditRequest } from '../../../protocol/messages/audit.ts';
import { type Release, signRelease } from '../../../protocol/release.ts';
import { decodeResponse, encodeResponse, responseDigest } from '../../../protocol/response.ts';
import { signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { UNLIMITED } from '../../helpers/holder.ts';
import { sampleObject, sha256 } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';

const network = networkId('audit-test');
const owner = signerOf('owner');
const holder = signerOf('holder');
const stranger = signerOf('stranger');
const engine = createKzgEngine({ threads: 2 });
const codes = erasureCodes(engine, new ReedSolomon());
const parameters = { id: 1, k: 4, m: 2 } as const;

const shards = new Map<string, Uint8Array>();
const damaged: string[] = [];
const releases = new Map<string, Release>();
let segment: LoadedSegment;
let selection: Selection;
/** Loads the segment as the prover has it, where it is not the same. */
let kept: (() => LoadedSegment) | undefined;
/** What the next answer is turned into on its way back. */
let tamper: (answer: AuditAnswer) => AuditAnswer = (answer) => answer;

const prover = new Prover({
  network,
  signer: holder,
  clock: systemClock,
  limits: UNLIMITED,
  engine,
  // Some of what it is made to sign is wrong.
  checksOwn: false,
  log: silentLogger,
  shards: {
    async get(id) {
      const bytes = shards.get(toHex(id))?.slice();
      if (bytes?.length === 0) throw new StoreError({ code: 'damaged', id });
      return bytes;
    },
  },
  segments: {
    load: async (root, cid) =>
      segment.rootCid.equals(root) && segment.cid.equals(cid) ? (kept?.() ?? segment) : undefined,
  },
  receipts: { get: async () => undefined },
  releases: { get: async (root) => releases.get(root.toString()) },
  onDamaged: (id) => damaged.push(toHex(id)),
});
const auditor = new Auditor({
  network,
  signer: owner,
  clock: systemClock,
  random: (n) => randomBytes(n),
  engine,
  log: silentLogger,
  client: {
    audit: async (_peer, request, signal = new AbortController().signal) =>
      tamper(await prover.answer(request, owner.publicKey, signal)),
  },
});
const target = { peer: 'holder', key: holder.publicKey };

function receiptFor(indices: readonly number[]) {
  return signStoreReceipt(
    {
      network,
      holder: holder.publicKey,
      owner: owner.publicKey,
      root: segment.rootCid,
      segment: segment.cid,
      indices: bitmapOf(indices),
      issuedAt: 1,
      expiresAt: 0,
    },
    holder,
  );
}

before(async () => {
  await engine.start();
  const code = codes(1);
  const commit = (blob: Uint8Array) => engine.commit(blob);
  const object = await sampleObject({ commit, code, parameters, network, owner, size: 700_000 });
  const first = object.segments[0] as (typeof object.segments)[number];
  segment = new LoadedSegment({
    rootCid: object.rootCid,
    root: object.root,
    cid: first.cid,
    segment: first.segment,
    code,
  });
  // Data and parity of the full stripe and of the short one.
  const indices = [0, 2, 3, 5, 6, 11];
  for (const index of indices) {
    const bytes = object.shards[0]?.get(index) as Uint8Array;
    shards.set(toHex(sha256(bytes)), bytes);
  }
  selection = new Selection([{ receipt: receiptFor(indices), segment, indices }]);
});

after(() => engine.stop());

/** Runs with one stored shard replaced, then puts it back. */
async function withShard(index: number, bytes: Uint8Array | undefined, run: () => Promise<void>): Promise<void> {
  const id = toHex(segment.shardId(index) as Uint8Array);
  const original = shards.get(id) as Uint8Array;
  if (bytes === undefined) shards.delete(id);
  else shards.set(id, bytes);
  try {
    await run();
  } finally {
    shards.set(id, original);
  }
}

/** What halving finds after a proof that failed. */
async function namedBad() {
  const { outcome, receipt } = await auditor.audit(target, selection);
  assert.equal(outcome.kind, 'invalid-proof');
  return (await auditor.bisect(target, selection, receipt as NonNullable<typeof receipt>)).bad;
}

function flipped(index: number): Uint8Array {
  const bytes = (shards.get(toHex(segment.shardId(index) as Uint8Array)) as Uint8Array).slice();
  bytes[1000] = (bytes[1000] as number) ^ 1;
  return bytes;
}

describe('an audit of one holder', () => {
  test('passes for data and parity shards, of a short stripe too', async () => {
    const { outcome, shards: covered, receipt } = await auditor.audit(target, selection);
    assert.deepEqual(outcome, { kind: 'passed' });
    assert.equal(covered, 6);
    assert.ok(receipt !== undefined);
  });

  test('a single flipped bit fails the proof, and halving names the shard', async () => {
    for (const index of [3, 11]) {
      await withShard(index, flipped(index), async () => {
        const bad = await namedBad();
        assert.deepEqual(
          bad.map(({ shard }) => shard.index),
          [index],
        );
      });
    }
  });

  test('two bad shards are both named', async () => {
    await withShard(0, flipped(0), () =>
      withShard(6, flipped(6), async () => {
        const bad = await namedBad();
        assert.deepEqual(
          bad.map(({ shard }) => shard.index).sort((a, b) => a - b),
          [0, 6],
        );
      }),
    );
  });

  test('a lost and a damaged shard are declared, the rest is proved', async () => {
    await withShard(2, undefined, () =>
      withShard(5, new Uint8Array(0), async () => {
        const { outcome } = await auditor.audit(target, selection);
        assert.equal(outcome.kind, 'declared-lost');
        assert.deepEqual(outcome.kind === 'declared-lost' && outcome.missing.map((name) => name.index), [2, 5]);
        assert.ok(damaged.includes(toHex(segment.shardId(5) as Uint8Array)));
      }),
    );
  });

  test('a holder that lost everything says so without an opening', async () => {
    const kept = new Map(shards);
    shards.clear();
    try {
      const { outcome } = await auditor.audit(target, selection);
      assert.equal(outcome.kind === 'declared-lost' && outcome.missing.length, 6);
    } finally {
      for (const [id, bytes] of kept) shards.set(id, bytes);
    }
  });

  test('a loss that is declared does not hide a bad shard', async () => {
    await withShard(2, undefined, () =>
      withShard(3, flipped(3), async () => {
        assert.equal((await auditor.audit(target, selection)).outcome.kind, 'invalid-proof');
      }),
    );
  });

  test('an answer that was altered on the way proves nothing against the holder', async () => {
    tamper = (answer) => {
      assert.ok('response' in answer);
      const response = answer.response.slice();
      response[40] = (response[40] as number) ^ 1;
      return { ...answer, response };
    };
    try {
      const { outcome, receipt } = await auditor.audit(target, selection);
      assert.equal(outcome.kind, 'timed-out');
      assert.equal(receipt, undefined);
    } finally {
      tamper = (answer) => answer;
    }
  });

  test('a signed opening of something else is an invalid proof, whatever its points are', async () => {
    const zero = Uint8Array.of(0xc0, ...new Uint8Array(47));
    for (const proof of [new Uint8Array(48).fill(0xff), zero, new Uint8Array(48)]) {
      tamper = (answer) => {
        assert.ok('response' in answer);
        const response = encodeResponse({ ...decodeResponse(answer.response), proof });
        return { response, missing: [], sig: holder.sign(responseDigest(response, [])) };
      };
      try {
        assert.equal((await auditor.audit(target, selection)).outcome.kind, 'invalid-proof');
      } finally {
        tamper = (answer) => answer;
      }
    }
  });

  test('a prover whose kernel derives parity wrongly asks its library, and proves', async () => {
    const { rootCid, root, cid } = segment;
    const kernel = {
      combineCommitments: async () => segment.commitment(0),
      linearMap: () => Promise.reject(new Error('unused')),
    };
    // Nothing stays in memory between two looks.
    kept = () => new LoadedSegment({ rootCid, root, cid, segment: segment.segment, code: frLagrangeCode(kernel) });
    try {
      assert.notDeepEqual(await kept().commitment(5), await segment.commitment(5));
      assert.equal((await auditor.audit(target, selection)).outcome.kind, 'passed');
    } finally {
      kept = undefined;
    }
  });

  test('a released object is excused by the release of its owner', async () => {
    const release = signRelease({ network, owner: owner.publicKey, root: segment.rootCid, issuedAt: 2 }, owner);
    releases.set(segment.rootCid.toString(), release);
    try {
      const { outcome } = await auditor.audit(target, selection);
      assert.deepEqual(outcome, { kind: 'auditor-fault', reason: 'the shards are released' });
    } finally {
      releases.clear();
    }
  });
});

describe('a prover refuses', () => {
  const signal = new AbortController().signal;

  async function captured(): Promise<AuditRequest> {
    let request: AuditRequest | undefined;
    const spy = new Auditor({
      network,
      signer: owner,
      clock: systemClock,
      random: (n) => randomBytes(n),
      engine,
      log: silentLogger,
      client: {
        async audit(_peer, asked) {
          request = asked;
          return prover.answer(asked, owner.publicKey, signal);
        },
      },
    });
    await spy.audit(target, selection);
    return request as AuditRequest;
  }

  function altered(request: AuditRequest, change: Partial<ReturnType<typeof decodeChallenge>>): AuditRequest {
    const challenge = encodeChallenge({ ...decodeChallenge(request.challenge), ...change });
    return { ...request, challenge, sig: signChallenge(challenge, owner) };
  }

  test('the same challenge gets the same answer at no further cost', async () => {
    const request = await captured();
    const [a, b] = await Promise.all([
      prover.answer(request, owner.publicKey, signal),
      prover.answer(request, owner.publicKey, signal),
    ]);
    assert.strictEqual(a, b);
  });

  test('a challenge of another network, prover, auditor or time', async () => {
    const request = await captured();
    const cases = [
      ['other-network', altered(request, { network: networkId('elsewhere') })],
      ['not-addressed', altered(request, { prover: stranger.publicKey })],
      ['not-auditor', altered(request, { auditor: stranger.publicKey })],
      ['stale', altered(request, { issuedAt: 1 })],
      ['stale', altered(request, { issuedAt: systemClock.now() + 3_600_000 })],
    ] as const;
    for (const [code, bad] of cases) {
      await assert.rejects(prover.answer(bad, owner.publicKey, signal), { code });
    }
  });

  test('a challenge that is relayed by somebody else', async () => {
    await assert.rejects(prover.answer(await captured(), stranger.publicKey, signal), { code: 'not-auditor' });
  });

  test('an unsigned challenge, another digest and a wrong count', async () => {
    const request = await captured();
    const cases = [
      ['bad-challenge-signature', { ...altered(request, { count: 5 }), sig: request.sig }],
      ['wrong-digest', altered(request, { setDigest: new Uint8Array(32) })],
      ['wrong-count', altered(request, { count: 5 })],
    ] as const;
    for (const [code, bad] of cases) {
      await assert.rejects(prover.answer(bad, owner.publicKey, signal), { code });
    }
  });

  test('receipts that are not its own or do not cover what is asked', async () => {
    const narrow = new Selection([{ receipt: receiptFor([0]), segment, indices: [0, 2] }]);
    assert.equal((await auditor.audit(target, narrow).catch((error) => error)).code, 'bad-receipt');
  });
});

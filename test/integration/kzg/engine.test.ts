import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { createKzgEngine } from '../../../node/kzg/create-engine.ts';
import type { KzgEngine } from '../../../node/kzg/engine.ts';
import { bigIntToBytes, fromHex, toHex } from '../../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { FR_MODULUS } from '../../../protocol/field.ts';
import { LIBRARIES } from '../../helpers/libraries.ts';
import { stream, vectorContent, vectors } from '../../unit/protocol/content-vectors.ts';

interface AuditVector {
  readonly set: readonly number[];
  readonly missing: readonly number[];
  readonly rho: readonly string[];
  readonly z: string;
  readonly aggregateCommitment: string;
  readonly y: string;
  readonly proof: string;
}

const { audit: audits } = JSON.parse(
  readFileSync(new URL('../../vectors/protocol-v1.json', import.meta.url), 'utf8'),
) as { audit: readonly AuditVector[] };

/** One thread each, so that the trusted setup is loaded once for each library. */
const engines = LIBRARIES.map((backend) => ({ name: backend, engine: createKzgEngine({ backend, threads: 1 }) }));
const [first] = engines.map(({ engine }) => engine) as [KzgEngine];
before(() => Promise.all(engines.map(({ engine }) => engine.start())));
after(() => Promise.all(engines.map(({ engine }) => engine.stop())));

/** Elements over the whole field. */
function fullRange(label: string): Uint8Array {
  return stream(label, SHARD_BYTES).map((byte, i) => (i % 32 === 0 ? byte & 0x3f : byte));
}

const element = (value: bigint) => bigIntToBytes(value, 32);
const filled = (value: bigint) => new Uint8Array(Buffer.alloc(SHARD_BYTES, element(value)));

function single(at: number): Uint8Array {
  const blob = new Uint8Array(SHARD_BYTES);
  blob[32 * at + 31] = 1;
  return blob;
}

const z = stream('a point', 32).map((byte, i) => (i === 0 ? byte & 0x3f : byte));
const BLOBS: Readonly<Record<string, Uint8Array>> = {
  random: fullRange('a blob'),
  zero: new Uint8Array(SHARD_BYTES),
  'r − 1 everywhere': filled(FR_MODULUS - 1n),
  constant: filled(7n),
  'one element': single(4095),
  'repetitive text': new Uint8Array(Buffer.alloc(SHARD_BYTES, 'a'.repeat(32))).map((byte, i) => (i % 32 ? byte : 0)),
};

for (const { name, engine } of engines) {
  describe(name, () => {
    test('says which library it is', () => assert.equal(engine.backend, name));

    test('commits the vectors', async () => {
      const computed = await Promise.all(vectorContent().shards.map((shard) => engine.commit(shard)));
      assert.deepEqual(computed.map(toHex), vectors.code.commitments.slice(0, vectors.code.k));
    });

    test('combines, opens and verifies the audits of the vectors', async () => {
      const shards = vectorContent().shards;
      const rows = (vectors.code.lambda['4+2'] ?? []).map((row) => row.map(BigInt));
      shards.push(...(await engine.linearMap(rows, shards)));
      const commitments = vectors.code.commitments.map(fromHex);
      for (const audit of audits) {
        const covered = audit.set.filter((i) => !audit.missing.includes(i));
        const rho = audit.rho.map((hex) => BigInt(`0x${hex}`));
        const aggregate = await engine.combineCommitments(
          rho,
          covered.map((i) => commitments[i] as Uint8Array),
        );
        assert.equal(toHex(aggregate), audit.aggregateCommitment);
        const f = await engine.combine(
          rho,
          covered.map((i) => shards[i] as Uint8Array),
        );
        const { y, proof } = await engine.open(f, fromHex(audit.z));
        assert.deepEqual([toHex(y), toHex(proof)], [audit.y, audit.proof]);
        assert.equal(await engine.verify(aggregate, fromHex(audit.z), y, proof), true);
        assert.equal(await engine.verify(commitments[0] as Uint8Array, fromHex(audit.z), y, proof), false);
        assert.equal(await engine.verify(aggregate, z, y, proof), false);
        assert.equal(await engine.verify(aggregate, fromHex(audit.z), z, proof), false);
      }
    });

    test('malformed answers are false, malformed commitments an error', async () => {
      const blob = BLOBS.random as Uint8Array;
      const commitment = await engine.commit(blob);
      const { y, proof } = await engine.open(blob, z);
      // x = 5 and x = 0 are on the curve, outside the subgroup.
      const outside = [`80${'00'.repeat(46)}05`, `80${'00'.repeat(47)}`].map(fromHex);
      const off = fromHex(`80${'00'.repeat(46)}01`);
      const stray = fromHex(`c0${'00'.repeat(46)}01`);
      for (const bad of [...outside, off, stray, new Uint8Array(48), proof.subarray(1), new Uint8Array(0)]) {
        assert.equal(await engine.verify(commitment, z, y, bad), false);
        await assert.rejects(engine.verify(bad, z, y, proof), { code: 'invalid-commitment' });
        await assert.rejects(engine.verify(bad, z, element(FR_MODULUS - 1n), bad), { code: 'invalid-commitment' });
      }
      for (const bad of [element(FR_MODULUS), new Uint8Array(32).fill(0xff), y.subarray(1), new Uint8Array(33)]) {
        assert.equal(await engine.verify(commitment, z, bad, proof), false);
      }
      assert.equal(await engine.verify(commitment, z, y, proof), true);
    });

    test('input that is not a blob or a point is refused by name', async () => {
      const blob = (BLOBS.random as Uint8Array).slice();
      blob.set(element(FR_MODULUS), 32 * 77);
      const type = { code: 'non-canonical-element', element: 77 };
      await assert.rejects(engine.commit(blob), { type });
      await assert.rejects(engine.open(blob, z), { type });
      await assert.rejects(engine.linearMap([[1n]], [blob]), { type });
      await assert.rejects(engine.combine([1n], [blob]), { type });
      await assert.rejects(engine.commit(blob.subarray(1)), { code: 'invalid-length' });
      await assert.rejects(engine.linearMap([[1n]], [blob.subarray(1)]), { code: 'invalid-length' });
      await assert.rejects(engine.open(BLOBS.random as Uint8Array, element(FR_MODULUS)), {
        code: 'non-canonical-element',
      });
      await assert.rejects(engine.combine([1n], []), { code: 'invalid-argument' });
      await assert.rejects(engine.combineCommitments([1n], []), { code: 'invalid-argument' });
      await assert.rejects(engine.combineCommitments([1n], [blob.subarray(0, 47)]), {
        type: { code: 'invalid-commitment', index: 0, reason: 'it has 47 bytes instead of 48' },
      });
      assert.deepEqual(await engine.invalidCommitments([z, await engine.commit(BLOBS.zero as Uint8Array)]), [0]);
    });

    test('names the bad pairs of a batch', async () => {
      const blobs = Array.from({ length: 6 }, (_, i) => fullRange(`pair ${i}`));
      const commitments = await Promise.all(blobs.map((blob) => engine.commit(blob)));
      const pairs = blobs.map((blob, i) => ({ commitment: commitments[i] as Uint8Array, load: async () => blob }));
      assert.deepEqual(await engine.batchCheck(pairs), []);
      const flipped = (blobs[4] as Uint8Array).slice();
      flipped[100_000] = (flipped[100_000] as number) ^ 1;
      pairs[4] = { commitment: commitments[4] as Uint8Array, load: async () => flipped };
      assert.deepEqual(await engine.batchCheck(pairs), [4]);
    });
  });
}

const alone = LIBRARIES.length < 2 && `only ${LIBRARIES[0]} is installed here`;
test('both libraries give the same bytes for every kind of blob', { skip: alone }, async () => {
  for (const [kind, blob] of Object.entries(BLOBS)) {
    const answers = await Promise.all(
      engines.map(async ({ engine }) => {
        const [commitment, { y, proof }] = await Promise.all([engine.commit(blob), engine.open(blob, z)]);
        assert.equal(await engine.verify(commitment, z, y, proof), true, kind);
        return [commitment, y, proof].map(toHex);
      }),
    );
    assert.deepEqual(answers[0], answers[1], kind);
  }
});

test('parity commitments are the commitments of the parity shards', async () => {
  const row = [-4n, 15n, -20n, 10n];
  const blobs = row.map((_, i) => fullRange(`data ${i}`));
  const [[parity], commitments] = await Promise.all([
    first.linearMap([row], blobs),
    Promise.all(blobs.map((blob) => first.commit(blob))),
  ]);
  const [direct, derived] = await Promise.all([
    first.commit(parity as Uint8Array),
    first.combineCommitments(row, commitments),
  ]);
  assert.equal(toHex(derived), toHex(direct));
});

test('blobs in shared memory and blobs that are views give the same commitment', async () => {
  const blob = BLOBS.random as Uint8Array;
  const shared = new Uint8Array(new SharedArrayBuffer(SHARD_BYTES));
  shared.set(blob);
  const wide = new Uint8Array(SHARD_BYTES + 100);
  wide.set(blob, 50);
  const expected = toHex(await first.commit(blob));
  assert.equal(toHex(await first.commit(shared)), expected);
  assert.equal(toHex(await first.commit(wide.subarray(50, 50 + SHARD_BYTES))), expected);
  assert.equal(blob.length, SHARD_BYTES, 'the caller keeps its bytes');
});

test('the event loop goes on while a commitment is computed', async () => {
  let turns = 0;
  let timer = setTimeout(function turn() {
    turns += 1;
    timer = setTimeout(turn, 1);
  }, 1);
  // Were the work done on this thread, no timer could fire between the start and the end of a commitment.
  for (let i = 0; i < 3; i++) {
    const before = turns;
    await first.commit(BLOBS.random as Uint8Array);
    assert.ok(turns > before);
  }
  clearTimeout(timer);
});

test('an aborted job rejects with the reason, and the engine goes on', async () => {
  const controller = new AbortController();
  const jobs = Array.from({ length: 4 }, () => first.commit(BLOBS.random as Uint8Array, controller.signal));
  controller.abort(new Error('not now'));
  for (const job of await Promise.allSettled(jobs)) {
    assert.equal(job.status, 'rejected');
    assert.match(String((job as PromiseRejectedResult).reason), /not now/);
  }
  assert.equal((await first.commit(BLOBS.zero as Uint8Array))[0], 0xc0);
});

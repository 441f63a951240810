import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { batchCheck } from '../../../node/kzg/batch-check.ts';
import { AccumulatorFactory } from '../../../node/kzg/blob-accumulator.ts';
import type { BatchPair } from '../../../node/kzg/engine.ts';
import { Group } from '../../../node/kzg/group.ts';
import { bytesToBigInt, concat, fromHex } from '../../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';

const GENERATOR = fromHex(
  '97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb',
);
const group = await Group.create(1000);

/** Linear like a KZG commitment, and as cheap as one point: the first element times the generator. */
const commitTo = (blob: Uint8Array) => group.combine([bytesToBigInt(blob.subarray(0, 32))], GENERATOR);

class Operations {
  readonly #accumulators = new AccumulatorFactory();
  commits = 0;
  accumulator = () => this.#accumulators.create();
  combineCommitments = async (coefficients: readonly bigint[], commitments: readonly Uint8Array[]) =>
    group.combine(coefficients, concat(...commitments));
  invalidCommitments = async (commitments: readonly Uint8Array[]) => group.invalid(concat(...commitments));
  commit = async (blob: Uint8Array) => {
    this.commits += 1;
    return commitTo(blob);
  };
}

/** Different bytes on every call, and never the same twice in a test run. */
let draws = 0;
const random = (count: number) => {
  draws += 1;
  return new Uint8Array(count).map((_, i) => (draws * 31 + i * 97 + (draws >> 8) * 13) & 0xff);
};

function blobWith(value: number): Uint8Array {
  const blob = new Uint8Array(SHARD_BYTES);
  new DataView(blob.buffer).setUint32(28, value);
  return blob;
}

function pair(value: number, claimed = value): BatchPair {
  return { commitment: commitTo(blobWith(claimed)), load: async () => blobWith(value) };
}

const good = (count: number) => Array.from({ length: count }, (_, i) => pair(i + 1));

test('all good pairs cost one multiplication, however many', async () => {
  const operations = new Operations();
  assert.deepEqual(await batchCheck(operations, random, good(37)), []);
  assert.equal(operations.commits, 1);
});

test('no pairs are good', async () => {
  assert.deepEqual(await batchCheck(new Operations(), random, []), []);
});

test('one bad pair of 32 costs one multiplication a level', async () => {
  for (const at of [0, 13, 31]) {
    const operations = new Operations();
    const pairs = good(32);
    pairs[at] = pair(1000, 1001);
    assert.deepEqual(await batchCheck(operations, random, pairs), [at]);
    assert.equal(operations.commits, 1 + 5);
  }
});

test('names exactly the bad pairs', async () => {
  const property = fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 24 }), async (flags) => {
    const pairs = flags.map((isGood, i) => pair(i + 1, isGood ? i + 1 : i + 100));
    const expected = flags.flatMap((isGood, i) => (isGood ? [] : [i]));
    assert.deepEqual(await batchCheck(new Operations(), random, pairs), expected);
  });
  await fc.assert(property, { numRuns: 40 });
});

test('errors that cancel in a plain sum are found', async () => {
  const pairs = [...good(4), pair(50, 60), pair(60, 50)];
  assert.deepEqual(await batchCheck(new Operations(), random, pairs), [4, 5]);
});

test('a blob that is missing, rejected, of a wrong length or not canonical is bad alone', async () => {
  const pairs = good(9);
  const { commitment } = pairs[0] as BatchPair;
  pairs[1] = { commitment, load: async () => undefined };
  pairs[3] = { commitment, load: () => Promise.reject(new Error('the disk says no')) };
  pairs[5] = { commitment, load: async () => new Uint8Array(SHARD_BYTES - 1) };
  pairs[7] = { commitment, load: async () => new Uint8Array(SHARD_BYTES).fill(0xff) };
  const operations = new Operations();
  assert.deepEqual(await batchCheck(operations, random, pairs), [1, 3, 5, 7]);
  assert.equal(operations.commits, 1);
});

test('an invalid commitment is bad alone, and its blob is not read', async () => {
  const pairs = good(5);
  let reads = 0;
  const load = async () => {
    reads += 1;
    return blobWith(3);
  };
  pairs[2] = { commitment: new Uint8Array(48), load };
  const operations = new Operations();
  assert.deepEqual(await batchCheck(operations, random, pairs), [2]);
  assert.equal(reads, 0);
  assert.equal(operations.commits, 1);
});

test('a blob that disappears during the search is bad, and the others are still judged rightly', async () => {
  const pairs = good(16);
  let reads = 0;
  pairs[2] = {
    commitment: (pairs[2] as BatchPair).commitment,
    load: async () => (reads++ === 0 ? blobWith(3) : undefined),
  };
  pairs[4] = pair(1000, 2000);
  pairs[12] = pair(3000, 4000);
  assert.deepEqual(await batchCheck(new Operations(), random, pairs), [2, 4, 12]);
});

test('a coefficient is drawn only after its blob was read', async () => {
  const events: string[] = [];
  const pairs = good(3).map((each, i) => ({
    commitment: each.commitment,
    load: async () => {
      const blob = await each.load();
      events.push(`read ${i}`);
      return blob;
    },
  }));
  const spied = (count: number) => {
    events.push('draw');
    return random(count);
  };
  await batchCheck(new Operations(), spied, pairs);
  for (let i = 0; i < 3; i++) {
    const drawn = events.flatMap((event, at) => (event === 'draw' ? [at] : []))[i];
    assert.ok(events.indexOf(`read ${i}`) < (drawn as number));
  }
});

test('coefficients have 128 bits and differ from pair to pair', async () => {
  const drawn: number[] = [];
  const spied = (count: number) => {
    drawn.push(count);
    return random(count);
  };
  await batchCheck(new Operations(), spied, good(6));
  assert.deepEqual(drawn, Array(6).fill(16));
});

test('few blobs are loaded ahead', async () => {
  let [loading, most] = [0, 0];
  const pairs = good(40).map(({ commitment, load }) => ({
    commitment,
    async load() {
      loading += 1;
      most = Math.max(most, loading);
      await new Promise((resolve) => setImmediate(resolve));
      loading -= 1;
      return load();
    },
  }));
  assert.deepEqual(await batchCheck(new Operations(), random, pairs), []);
  assert.ok(most > 1 && most <= 4, `${most}`);
});

test('an abort ends the check with its reason', async () => {
  const controller = new AbortController();
  const pairs = good(10);
  pairs[5] = {
    commitment: (pairs[5] as BatchPair).commitment,
    load: async () => {
      controller.abort(new Error('enough'));
      return blobWith(6);
    },
  };
  const operations = new Operations();
  await assert.rejects(batchCheck(operations, random, pairs, controller.signal), /enough/);
  assert.equal(operations.commits, 0);
});

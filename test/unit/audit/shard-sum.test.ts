import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sumShards } from '../../../node/audit/shard-sum.ts';
import { PlainSum } from '../../../node/kzg/plain-sum.ts';
import { StoreError } from '../../../node/store/errors.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';

const { signal } = new AbortController();
const idOf = (i: number) => Uint8Array.of(i >> 8, i & 255);

/** Shard i has i + 1 as its first element. */
function blobOf(i: number): Uint8Array {
  const blob = new Uint8Array(SHARD_BYTES);
  new DataView(blob.buffer).setUint32(28, i + 1);
  return blob;
}

const numberOf = (id: Uint8Array) => (id[0] as number) * 256 + (id[1] as number);

/** A store of shards that notes how many were out at once. */
function storeOf(lost: ReadonlySet<number> = new Set(), damaged: ReadonlySet<number> = new Set()) {
  const given: Uint8Array[] = [];
  let most = 0;
  const outstanding = () => given.filter((blob) => blob.length > 0).length;
  return {
    given,
    most: () => most,
    shards: {
      async get(id: Uint8Array) {
        const i = numberOf(id);
        if (damaged.has(i)) throw new StoreError({ code: 'damaged', id });
        if (lost.has(i)) return undefined;
        const blob = blobOf(i);
        given.push(blob);
        most = Math.max(most, outstanding());
        return blob;
      },
    },
  };
}

const COUNT = 200;
const ids = Array.from({ length: COUNT }, (_, i) => idOf(i));
const coefficients = ids.map((_, i) => BigInt(i + 3));

test('shards are summed in their order, and their memory is given back', async () => {
  const store = storeOf();
  const source = { shards: store.shards, onDamaged: () => assert.fail('nothing is damaged') };
  const sum = await sumShards(source, new PlainSum(), ids, coefficients, new Set(), signal);
  const expected = coefficients.reduce((total, c, i) => total + c * BigInt(i + 1), 0n);
  assert.equal(BigInt(`0x${toHex((sum as Uint8Array).subarray(0, 32))}`), expected);
  assert.equal(store.given.length, COUNT);
  assert.ok(store.given.every(({ length }) => length === 0));
  assert.ok(store.most() <= 8, `${store.most()} shards at a time`);
});

test('one pass finds all that is lost, and tells of what is damaged', async () => {
  const store = storeOf(new Set([0, 77]), new Set([5, 199]));
  const damaged: number[] = [];
  const lost = new Set<string>();
  const source = { shards: store.shards, onDamaged: (id: Uint8Array) => damaged.push(numberOf(id)) };
  assert.equal(await sumShards(source, new PlainSum(), ids, coefficients, lost, signal), undefined);
  assert.deepEqual([...lost].sort(), [0, 5, 77, 199].map((i) => toHex(idOf(i))).sort());
  assert.deepEqual(damaged, [5, 199]);
  assert.ok(store.given.every(({ length }) => length === 0));
});

test('an abort or a failure of the disk ends the pass', async () => {
  const given = new AbortController();
  let reads = 0;
  const shards = {
    async get(id: Uint8Array) {
      if (++reads === 20) given.abort(new Error('enough'));
      return blobOf(numberOf(id));
    },
  };
  const source = { shards, onDamaged: () => undefined };
  const pass = sumShards(source, new PlainSum(), ids, coefficients, new Set(), given.signal);
  await assert.rejects(pass, /enough/);
  assert.ok(reads <= 28);
  const broken = { shards: { get: async () => Promise.reject(new Error('EIO')) }, onDamaged: () => undefined };
  await assert.rejects(sumShards(broken, new PlainSum(), ids, coefficients, new Set(), signal), /EIO/);
});

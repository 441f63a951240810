import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { rankOf } from '../../../node/repair/guardianship.ts';
import { guardianOrder } from '../../../protocol/guardian-order.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf } from '../../helpers/store-home.ts';

const root = cidOf('root');
const keys = Array.from({ length: 6 }, (_, i) => signerOf(`holder ${i}`).publicKey);
const order = guardianOrder(root.bytes, keys);
const base = { root, holders: keys, isOwner: false, ownerConnected: false, guardians: 3 };
const at = (place: number) => order[place] as Uint8Array;

describe('guardians of an object', () => {
  test('act one after the other, and the first look most often', () => {
    const ranks = order.map((self) => rankOf({ ...base, self }));
    assert.deepEqual(
      ranks.map(({ turn }) => turn),
      [0, 1, 2, 3, 4, 5],
    );
    assert.deepEqual(
      ranks.map(({ isFirst }) => isFirst),
      [true, true, true, false, false, false],
    );
  });

  test('wait for so long, however many rank before', () => {
    const crowd = Array.from({ length: 200 }, (_, i) => Uint8Array.from(at(0)).fill(i, 20));
    const last = guardianOrder(root.bytes, crowd).at(-1) as Uint8Array;
    assert.equal(rankOf({ ...base, holders: crowd, self: last }).turn, 32);
  });

  test('the owner is first while it is connected', () => {
    assert.equal(rankOf({ ...base, self: at(0), ownerConnected: true }).turn, 1);
    const owner = rankOf({ ...base, self: signerOf('owner').publicKey, isOwner: true });
    assert.equal(owner.turn, 0);
    assert.deepEqual(owner.others, order.slice(0, 3).map(peerIdFromKey));
  });

  test('whoever leaves makes room for the next', () => {
    const rest = keys.filter((key) => key !== at(0));
    assert.equal(rankOf({ ...base, holders: rest, self: at(3) }).turn, 2);
  });

  test('a guardian knows the others', () => {
    assert.deepEqual(rankOf({ ...base, self: at(1) }).others, [at(0), at(2)].map(peerIdFromKey));
    assert.deepEqual(rankOf({ ...base, self: at(4) }).others, [at(0), at(1), at(2)].map(peerIdFromKey));
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundedDatastore } from '../../../node/network/bounded-datastore.ts';
import { parsePeerId } from '../../../node/network/peer-key.ts';

const SELF = parsePeerId('12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5');
type Key = Parameters<BoundedDatastore['put']>[0];
/** The store needs of a key its text only. */
const key = (name: string) => ({ toString: () => name }) as Key;
const VALUE = Uint8Array.of(1);

test('a flood displaces the oldest foreign records, never our own', () => {
  const store = new BoundedDatastore(SELF, 10);
  const own = [key(`/dht/provider/abc/${SELF.toString()}`), key(`/peers/${SELF.toCID().toString()}`)];
  for (const name of own) store.put(name, VALUE);
  for (let i = 0; i < 100; i++) store.put(key(`/dht/provider/abc/${i}`), VALUE);
  assert.ok(own.every((name) => store.has(name)));
  const kept = Array.from({ length: 100 }, (_, i) => i).filter((i) => store.has(key(`/dht/provider/abc/${i}`)));
  assert.deepEqual(kept, [90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
});

test('a record that is written again is young again, and one that is deleted makes room', () => {
  const store = new BoundedDatastore(SELF, 2);
  store.put(key('/a'), VALUE);
  store.put(key('/b'), VALUE);
  store.put(key('/a'), VALUE);
  store.put(key('/c'), VALUE);
  assert.deepEqual([store.has(key('/a')), store.has(key('/b')), store.has(key('/c'))], [true, false, true]);
  store.delete(key('/a'));
  store.put(key('/d'), VALUE);
  assert.ok(store.has(key('/c')));
});

test('a value larger than any record is refused', () => {
  const store = new BoundedDatastore(SELF, 2);
  assert.throws(() => store.put(key('/a'), new Uint8Array(16 * 1024 + 1)), RangeError);
  assert.equal(store.has(key('/a')), false);
});

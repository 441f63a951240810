import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { Holdings } from '../../../node/holdings/holdings.ts';
import type { KeptObject } from '../../../node/holdings/kept-object.ts';
import { silentLogger } from '../../../node/log.ts';
import { bitmapIndices, bitmapOf } from '../../../protocol/bitmap.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { networkId } from '../../../protocol/hash.ts';
import { encodeRoot, signRoot } from '../../../protocol/manifest.ts';
import { signRelease } from '../../../protocol/release.ts';
import type { StoreReceipt } from '../../../protocol/store-receipt.ts';
import { signerOf } from '../../helpers/signers.ts';
import {
  assertCountersExact,
  cidOf,
  openTestStores,
  shards,
  stageAll,
  temporaryFolder,
} from '../../helpers/store-home.ts';

const LEASE_MS = 9_000;
const TRASH_MS = 30_000;
const HOUR = 60 * 60 * 1000;
const network = networkId('keeping');
const holder = signerOf('holder');
const owner = signerOf('owner');
const SHARDS = shards(4);

/** Objects of one segment each; the first two share theirs, and with it their shards. */
const OBJECTS = ['shared', 'shared', 'own'].map((name, i) => {
  const node = new TextEncoder().encode(`segment ${name}`);
  const segment = cidOf(node);
  const root = signRoot(
    {
      network,
      kind: 'file',
      payload: 'packed31',
      cipher: 'aes-256-gcm',
      size: 10 + i,
      code: { id: 1, k: 2, m: 2 },
      segments: [segment],
      created: 1,
      owner: owner.publicKey,
    },
    owner,
  );
  const bytes = encodeRoot(root);
  return { cid: nodeCid(bytes), bytes, segment, node };
});

const object = fc.nat(OBJECTS.length - 1);
const indices = fc.uniqueArray(fc.nat(SHARDS.length - 1), { minLength: 1, maxLength: 3 });
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('keep' as const), object, indices, leased: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), object }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('renew' as const), object, indices }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('collect' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const round = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  /** Thirds of a lease that pass afterwards. */
  thirds: fc.nat(4),
  /** The process ends after so many changes of its stores, and another one begins. */
  cut: fc.option(fc.nat(12), { nil: undefined }),
});

class PowerCut extends Error {}

/** One process after the other on one home, and what they have promised. */
class Node {
  /** All receipts that anybody has. */
  readonly receipts: StoreReceipt[] = [];
  readonly #t: TestContext;
  readonly #home: string;
  #stores: Awaited<ReturnType<typeof openTestStores>> | undefined;
  #holdings: Holdings | undefined;
  /** Changes until the power is cut. */
  #left = Number.POSITIVE_INFINITY;

  constructor(t: TestContext, home: string) {
    this.#t = t;
    this.#home = home;
  }

  get stores() {
    assert.ok(this.#stores);
    return this.#stores;
  }

  get holdings() {
    assert.ok(this.#holdings);
    return this.#holdings;
  }

  async open(): Promise<void> {
    const clock = this.#stores?.clock;
    // Room for three of the four shards: the trash is needed.
    this.#stores = await openTestStores(this.#t, {
      home: this.#home,
      create: this.#stores === undefined,
      capacityBytes: 3 * SHARD_BYTES,
      trashTimeMs: TRASH_MS,
      ...(clock && { clock }),
    });
    this.#left = Number.POSITIVE_INFINITY;
    const { shards, manifests, issuedReceipts, releases } = this.#stores;
    const change = <T extends object>(store: T, methods: readonly (keyof T)[]): T =>
      new Proxy(store, {
        get: (target, name) => {
          const value = Reflect.get(target, name) as unknown;
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            if (methods.includes(name as keyof T) && this.#left-- <= 0) return Promise.reject(new PowerCut());
            return Reflect.apply(value, target, args) as unknown;
          };
        },
      });
    this.#holdings = new Holdings({
      network,
      signer: holder,
      clock: this.#stores.clock,
      shards: change(shards, ['reference', 'release', 'releaseSegment']),
      manifests: change(manifests, ['putRoot', 'putSegment', 'removeRoot', 'removeSegment']),
      receipts: change(issuedReceipts, ['put', 'removeRoot', 'removeEnd']),
      releases: change(releases, ['put']),
      leaseMs: LEASE_MS,
      isOwn: async () => false,
      onKept: () => undefined,
      onReleased: () => undefined,
      log: silentLogger,
    });
    await this.#holdings.start();
  }

  async close(): Promise<void> {
    await this.holdings.stop();
    await this.stores.close();
  }

  cutAfter(changes: number): void {
    this.#left = changes;
  }

  async run(one: Step): Promise<void> {
    const { shards, manifests, issuedReceipts, clock } = this.stores;
    switch (one.kind) {
      case 'keep':
        return this.#keep(one);
      case 'release': {
        const { cid } = OBJECTS[one.object]!;
        const release = { network, owner: owner.publicKey, root: cid, issuedAt: clock.now() };
        return this.holdings.release(signRelease(release, owner));
      }
      case 'renew': {
        const { cid, segment } = OBJECTS[one.object]!;
        const receipt = await issuedReceipts.get(cid, segment);
        if (receipt === undefined || receipt.expiresAt === 0) return;
        const covered = bitmapIndices(receipt.indices).filter((index) => one.indices.includes(index));
        if (covered.length === 0) return;
        const renewed = await this.holdings.renew(receipt, bitmapOf(covered));
        if (renewed !== undefined) this.receipts.push(renewed);
        return;
      }
      case 'end':
        // Also what has not ended: it must be refused.
        for await (const end of issuedReceipts.ends(Number.MAX_SAFE_INTEGER)) await this.holdings.ended(end);
        return;
      case 'collect':
        await shards.collectOrphans();
        await shards.sweepStaged();
        await shards.emptyTrash();
        await manifests.collectUnused();
    }
  }

  async #keep(one: Step & { readonly kind: 'keep' }): Promise<void> {
    const { clock } = this.stores;
    const { cid, bytes, segment, node } = OBJECTS[one.object]!;
    const by = one.leased ? 'stranger' : 'owner';
    const until = one.leased ? clock.now() + LEASE_MS : 0;
    const list = one.indices.map((index) => SHARDS[index]!);
    const kept: KeptObject = { cid, bytes, ownerKey: owner.publicKey, owner: 'owner', stagedBy: by, until };
    const entries = () => one.indices.map((index) => ({ index, id: SHARDS[index]!.id }));
    await stageAll(this.stores, by, list);
    const parts = [{ segment, node, indices: bitmapOf(one.indices), entries }];
    this.receipts.push(...(await this.holdings.keep(kept, parts)));
  }

  /** Whatever a receipt covers that stands is here, and is found where it is asked for. */
  async assertKept(): Promise<void> {
    const { shards, manifests, releases, clock } = this.stores;
    for (const { root, segment, indices, expiresAt } of this.receipts) {
      if (expiresAt !== 0 && expiresAt <= clock.now()) continue;
      if (await releases.isReleased(root)) continue;
      assert.ok(await manifests.get(root), 'its root');
      assert.ok(await manifests.get(segment), 'its segment');
      const references = await Array.fromAsync(shards.referencesOf(root, segment));
      for (const index of bitmapIndices(indices)) {
        assert.ok(
          references.some((reference) => reference.index === index),
          `the reference of shard ${index}`,
        );
        assert.ok(await shards.get(SHARDS[index]!.id), `the bytes of shard ${index}`);
      }
    }
  }
}

const REFUSALS = ['no-space', 'not-held', 'released', 'quota-exceeded'];

test('nothing is collected while a receipt stands, whatever happens in which order; in the end nothing is left', async (t) => {
  const property = fc.asyncProperty(fc.array(round, { maxLength: 8 }), async (rounds) => {
    const node = new Node(t, await temporaryFolder(t));
    await node.open();
    for (const { steps, thirds, cut } of rounds) {
      if (cut !== undefined) node.cutAfter(cut);
      const run = async (one: Step) => {
        try {
          await node.run(one);
        } catch (error) {
          if (error instanceof PowerCut) return;
          assert.ok(REFUSALS.includes((error as { code?: string }).code ?? ''), String(error));
        }
      };
      await Promise.all(steps.map(run));
      if (cut !== undefined) {
        await node.close();
        await node.open();
      }
      await node.assertKept();
      await assertCountersExact(node.stores);
      await node.stores.clock.advance((thirds * LEASE_MS) / 3);
    }
    // What a cut left behind is signed for again, then ends like all else.
    await node.close();
    await node.open();
    for (const object of OBJECTS.keys()) await node.run({ kind: 'release', object });
    await node.stores.clock.advance(2 * HOUR);
    await node.run({ kind: 'end' });
    await node.run({ kind: 'collect' });
    await node.stores.clock.advance(TRASH_MS);
    await node.run({ kind: 'collect' });
    const { usedBytes, trashBytes } = node.stores.shards.usage();
    assert.deepEqual([usedBytes, trashBytes], [0, 0]);
    assert.deepEqual(await Array.fromAsync(node.stores.manifests.roots()), []);
    assert.deepEqual(await Array.fromAsync(node.stores.issuedReceipts.ends(Number.MAX_SAFE_INTEGER)), []);
    await assertCountersExact(node.stores);
    await node.close();
  });
  await fc.assert(property, { numRuns: 12 });
});

test('promises that overlap each keep what they cover until they end', async (t) => {
  const node = new Node(t, await temporaryFolder(t));
  await node.open();
  const { clock, shards: store } = node.stores;
  const object = OBJECTS.length - 1;
  const third = async () => {
    await clock.advance(LEASE_MS / 3);
    await node.run({ kind: 'end' });
    await node.assertKept();
  };
  await node.run({ kind: 'keep', object, indices: [0, 1, 2], leased: true });
  await third();
  await node.run({ kind: 'renew', object, indices: [0, 1] });
  await third();
  await node.run({ kind: 'renew', object, indices: [0] });
  const { cid, segment } = OBJECTS[object]!;
  const held = async () => (await Array.fromAsync(store.referencesOf(cid, segment))).map(({ index }) => index);
  await third();
  assert.deepEqual(await held(), [0, 1]);
  await third();
  assert.deepEqual(await held(), [0]);
  await third();
  assert.deepEqual([await held(), store.usage().usedBytes, store.usage().trashBytes], [[], 0, 3 * SHARD_BYTES]);
  assert.equal(await node.stores.manifests.get(segment), undefined);
  assert.equal(await node.stores.manifests.hasRoot(cid), false);
  // Finalized again, nothing has to be sent.
  await node.run({ kind: 'keep', object, indices: [0, 1, 2], leased: false });
  assert.equal(store.usage().trashBytes, 0);
  await node.close();
});

test('a promise that lapsed while the node was off goes on with the next one for its segment', async (t) => {
  const node = new Node(t, await temporaryFolder(t));
  await node.open();
  const object = OBJECTS.length - 1;
  await node.run({ kind: 'keep', object, indices: [0, 1, 2], leased: true });
  await node.stores.clock.advance(2 * LEASE_MS);
  await node.run({ kind: 'keep', object, indices: [0], leased: true });
  assert.deepEqual(bitmapIndices(node.receipts.at(-1)!.indices), [0, 1, 2]);
  await node.run({ kind: 'end' });
  await node.assertKept();
  await node.close();
});

test('asked again and again, a holder signs no more than is needed and remembers one end', async (t) => {
  const node = new Node(t, await temporaryFolder(t));
  await node.open();
  const { clock, issuedReceipts } = node.stores;
  const again = () => node.run({ kind: 'keep', object: 0, indices: [0, 1], leased: true });
  const ends = async () => (await Array.fromAsync(issuedReceipts.ends(Number.MAX_SAFE_INTEGER))).length;
  for (let i = 0; i < 3; i++) {
    await again();
    await clock.advance(100);
  }
  assert.deepEqual([new Set(node.receipts.map(({ expiresAt }) => expiresAt)).size, await ends()], [1, 1]);
  await clock.advance(LEASE_MS / 3);
  await again();
  assert.ok(node.receipts.at(-1)!.expiresAt > node.receipts[0]!.expiresAt);
  assert.equal(await ends(), 1);
  await node.close();
});

test('what an interrupted end has let go of is promised no more', async (t) => {
  const node = new Node(t, await temporaryFolder(t));
  await node.open();
  const object = OBJECTS.length - 1;
  await node.run({ kind: 'keep', object, indices: [0, 1], leased: true });
  await node.stores.clock.advance(LEASE_MS);
  // The shards are released, and then nothing more is written.
  node.cutAfter(1);
  await assert.rejects(node.run({ kind: 'end' }), PowerCut);
  await node.close();
  await node.open();
  await node.run({ kind: 'renew', object, indices: [0, 1] });
  assert.equal(node.receipts.length, 1);
  await node.run({ kind: 'keep', object, indices: [2], leased: true });
  assert.deepEqual(bitmapIndices(node.receipts.at(-1)!.indices), [2]);
  await node.assertKept();
  await node.close();
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import type { HolderAudit } from '../../../node/audit/audit-runner.ts';
import type { StripeHealth } from '../../../node/repair/file-health.ts';
import { createAuditsService } from '../../../node/services/audits-service.ts';
import { createFilesService, type FilesDeps } from '../../../node/services/files-service.ts';
import { TransferError } from '../../../node/transfer/transfer-error.ts';
import { networkId } from '../../../protocol/hash.ts';
import type { Root } from '../../../protocol/manifest.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf } from '../../helpers/store-home.ts';

const ROOT = cidOf('root');
const code = { id: 1, k: 2, m: 1 } as const;
const root: Root = {
  network: networkId('test'),
  kind: 'file',
  payload: 'packed31',
  cipher: 'aes-256-gcm',
  size: 1000,
  code,
  segments: [cidOf('segment')],
  created: 5,
  owner: signerOf('owner').publicKey,
  sig: new Uint8Array(64),
};
const { signal } = new AbortController();

interface Numbers {
  readonly k: number;
  readonly m: number;
}

/** Services over fakes; `done` is what was done, in order. */
function files(
  changes: {
    known?: boolean;
    releasing?: () => Promise<void>;
    stripes?: StripeHealth[];
    code?: 'auto' | Numbers;
    added?: Numbers;
  } = {},
) {
  const { known = true, releasing = async () => undefined, stripes = [], code: configured = 'auto', added } = changes;
  const done: string[] = [];
  const key = new Uint8Array(32).fill(3);
  const entry = { root: ROOT, key, name: 'notes', kind: 'file' as const, size: 1000, created: 5, code };
  const unused = () => Promise.reject(new Error('unused'));
  const deps = {
    config: { 'files.code': configured, 'files.codeName': 'fr-lagrange', 'files.commitments': 'auto' },
    clock: new ManualClock(),
    uploader: {
      add: (_source: unknown, { code: asked }: { code: unknown }) => {
        done.push(`add ${JSON.stringify(asked)}`);
        const used = { code: { id: 0, ...added }, root: ROOT, warnings: ['slow'] };
        return added === undefined ? unused() : Promise.resolve(used);
      },
    },
    downloader: {
      async open({ key: given }: { key?: Uint8Array }) {
        done.push(`open ${given === undefined ? 'without' : 'with'} key`);
        return {
          root,
          async *read() {
            yield Uint8Array.of(1);
            const type = { code: 'decryption-failed', root: ROOT.toString(), frame: 0 } as const;
            throw new TransferError(type, 'frame 0 does not open');
          },
        };
      },
    },
    health: {
      async *check() {
        yield* stripes;
      },
    },
    locator: { root: async () => root },
    releaser: {
      async release(cid: CID, holders: readonly string[]) {
        await releasing();
        done.push(`release ${cid.equals(ROOT)} ${holders.join()}`);
        return { released: 1, queued: 1 };
      },
    },
    stores: {
      catalog: {
        get: async () => (known ? entry : undefined),
        async remove() {
          done.push('forget catalog');
        },
        async *list() {
          for (let i = 0; i < 5; i++) yield { ...entry, root: cidOf(`file ${i}`) };
        },
      },
      receivedReceipts: {
        holders: async () => ['a', 'b'],
      },
      manifests: {
        async removeRoot() {
          done.push('forget manifest');
        },
      },
    },
    watching: {
      async forget() {
        done.push('forget receipts');
      },
      released: (cid: CID) => done.push(`removed ${cid.equals(ROOT)}`),
    },
  } as unknown as FilesDeps;
  return { service: createFilesService(deps), done };
}

test('a release is queued before anything is forgotten, the catalog last; then others are told', async () => {
  const { service, done } = files();
  assert.deepEqual(await service.release(ROOT.toString(), signal), { root: ROOT.toString(), released: 1, queued: 1 });
  assert.deepEqual(done, ['release true a,b', 'forget receipts', 'forget manifest', 'forget catalog', 'removed true']);
});

test('a release that fails forgets nothing, so that it can be repeated', async () => {
  const { service, done } = files({ releasing: () => Promise.reject(new Error('disk')) });
  await assert.rejects(service.release(ROOT.toString(), signal), /disk/);
  assert.deepEqual(done, []);
});

test('only the owner removes a file', async () => {
  const { service, done } = files({ known: false });
  await assert.rejects(service.release(ROOT.toString(), signal), { code: 'not-in-catalog' });
  assert.deepEqual(done, []);
});

test('a code that is not asked for is the configured one; auto is asked for', async () => {
  const { service, done } = files({ code: { k: 4, m: 2 } });
  for (const asked of [{}, { code: 'auto' }, { code: { k: 2, m: 1 } }] as const) {
    const options = { kind: 'file', onProgress: () => undefined, signal, ...asked } as const;
    await assert.rejects(service.add((async function* () {})(), options), /unused/);
  }
  assert.deepEqual(done, ['add {"k":4,"m":2}', 'add "auto"', 'add {"k":2,"m":1}']);
});

test('a single copy that was not asked for is a warning', async () => {
  const warningsOf = async (added: Numbers, code: 'auto' | Numbers = 'auto') => {
    const options = { kind: 'file', onProgress: () => undefined, signal, code } as const;
    return (await files({ added }).service.add((async function* () {})(), options)).warnings;
  };
  const [warning, ...others] = await warningsOf({ k: 1, m: 0 });
  assert.match(warning ?? '', /^only one peer .* is lost with it/);
  assert.deepEqual(others, ['slow']);
  assert.deepEqual(await warningsOf({ k: 1, m: 0 }, { k: 1, m: 0 }), ['slow']);
  assert.deepEqual(await warningsOf({ k: 1, m: 1 }), ['slow']);
});

test('an id that is none is refused before anything is asked', async () => {
  const { service } = files();
  await assert.rejects(service.open('nonsense', { signal }), { code: 'invalid-request' });
  await assert.rejects(service.health('nonsense', { worst: 1, signal }), { code: 'invalid-request' });
  await assert.rejects(service.manifest('nonsense', signal), { code: 'invalid-request' });
  const audits = createAuditsService({ runner: { run: () => Promise.reject(new Error('unused')) } });
  await assert.rejects(audits.run('nonsense', signal), { code: 'invalid-request' });
});

test('an own file opens with its key; a failure in mid-stream is a problem too', async () => {
  for (const known of [true, false]) {
    const { service, done } = files({ known });
    const open = await service.open(ROOT.toString(), { signal });
    assert.deepEqual([open.readable, done], [known, [`open ${known ? 'with' : 'without'} key`]]);
    const stream = open.read({ start: 0, end: 1 }, signal)[Symbol.asyncIterator]();
    assert.deepEqual(await stream.next(), { done: false, value: Uint8Array.of(1) });
    await assert.rejects(async () => stream.next(), { code: 'wrong-key' });
  }
});

test('the list comes in pages', async () => {
  const { service } = files();
  const page = await service.list({ limit: 2 });
  assert.deepEqual([page.files.length, page.next], [2, cidOf('file 1').toString()]);
  const all = await service.list({ limit: 5 });
  assert.deepEqual([all.files.length, all.next], [5, undefined]);
  assert.match(all.files[0]?.link ?? '', /^holdfast:bafyrei.*#/);
});

function stripe(number: number, present: number): StripeHealth {
  const holders = [0, 1, 2].map((j) => (j < present ? [`peer ${j}`] : []));
  const state = present < 2 ? 'lost' : present < 3 ? 'degraded' : 'healthy';
  const counts = { needed: 2, present, expected: 3, suspected: 0, lost: 3 - present, clumped: 0, margin: present - 2 };
  return { segment: 0, stripe: number, holders, ...counts, daysToLoss: 10 * present, state };
}

test('the health of a file is that of its worst stripe, which are listed first', async () => {
  for (const [counts, verdict, margin] of [
    [[3, 3], 'healthy', 1],
    [[3, 2, 3], 'degraded', 0],
    [[2, 1, 3], 'lost', -1],
  ] as const) {
    const { service } = files({ stripes: counts.map((present, i) => stripe(i, present)) });
    const health = await service.health(ROOT.toString(), { worst: 1, signal });
    assert.deepEqual([health.verdict, health.minimumMargin], [verdict, margin]);
    assert.equal(health.daysToLoss, 10 * Math.min(...counts));
    assert.deepEqual(
      health.worst.map(({ present }) => present),
      [Math.min(...counts)],
    );
    assert.equal(
      health.presentShards,
      counts.reduce<number>((sum, present) => sum + present, 0),
    );
  }
});

test('a stripe that is expected to go first is worse than one with less margin', async () => {
  const soon = { ...stripe(1, 3), daysToLoss: 5 };
  const { service } = files({ stripes: [stripe(0, 2), soon, { ...stripe(2, 2), daysToLoss: 5 }] });
  const { worst } = await service.health(ROOT.toString(), { worst: 3, signal });
  assert.deepEqual(
    worst.map((one) => one.stripe),
    [2, 1, 0],
  );
});

test('the worst stripes of a large file are found among all of them', async () => {
  const stripes = Array.from({ length: 1000 }, (_, i) => stripe(i, i % 250 === 7 ? 1 : 3));
  const { service } = files({ stripes });
  const health = await service.health(ROOT.toString(), { worst: 3, signal });
  assert.deepEqual(
    health.worst.map((one) => one.stripe),
    [7, 257, 507],
  );
  assert.equal(health.lostStripes, 4);
});

test('an audit is told with what failed, and why', async () => {
  const id = new Uint8Array(32).fill(0xab);
  const name = { root: ROOT, segment: ROOT, index: 1, id };
  const audits: HolderAudit[] = [
    { peer: 'a', shards: 3, milliseconds: 5, outcome: { kind: 'declared-lost', missing: [name] }, bad: [] },
    { peer: 'b', shards: 3, milliseconds: 5, outcome: { kind: 'timed-out', reason: 'late' }, bad: [] },
    { peer: 'c', shards: 3, milliseconds: 5, outcome: { kind: 'refused-busy', until: 0 }, bad: [] },
    {
      peer: 'd',
      shards: 3,
      milliseconds: 5,
      outcome: { kind: 'invalid-proof' },
      bad: [{ shard: name, receipt: {} as HolderAudit['bad'][number]['receipt'] }],
    },
  ];
  const asked: (string | undefined)[] = [];
  const service = createAuditsService({
    runner: {
      async run(cid) {
        asked.push(cid?.toString());
        return audits;
      },
    },
  });
  const [lost, late, busy, bad] = await service.run(ROOT.toString(), signal);
  assert.deepEqual([lost?.outcome, lost?.missing, lost?.detail], ['declared-lost', 1, undefined]);
  assert.deepEqual([late?.outcome, late?.detail], ['timed-out', 'late']);
  assert.equal(busy?.detail, 'until 1970-01-01T00:00:00.000Z');
  assert.deepEqual(bad?.bad, ['ab'.repeat(32)]);
  await service.run(undefined, signal);
  assert.deepEqual(asked, [ROOT.toString(), undefined]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KzgError } from '../../../node/kzg/engine.ts';
import { damageShard } from '../../../node/store/lab-faults.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { concat } from '../../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { stageOffer, stageRequest, stageResult, unpack } from '../../../protocol/messages/stage.ts';
import { verifyStageClaim } from '../../../protocol/stage-claim.ts';
import { decodeReply, type Reply } from '../../../protocol/status.ts';
import { HOLDER, type Holder, openHolder, shardsAt, stage } from '../../helpers/holder.ts';
import { type SampleObject, sha256 } from '../../helpers/sample-object.ts';
import { uploadId } from '../../helpers/store-home.ts';
import { until } from '../../helpers/until.ts';
import { codes, engine, network, objectOf, owner, stranger, told, useEngine, watched } from './fixture.ts';

let object: SampleObject;
useEngine(async () => {
  object = await objectOf();
});
const base = { network, engine, codes };
const upload = uploadId(1);

/** Stages shards with `commit`; the last answer. */
async function delegate(holder: Holder, shards: readonly Uint8Array[], from = owner): Promise<Reply> {
  const ids = concat(...shards.map(sha256));
  let wanted: Iterator<number> | undefined;
  const { frames } = await holder.call('stage', stageRequest.encode({ upload, ids, commit: true }), from, {
    frames([offer]) {
      wanted ??= bitmapIndices(stageOffer.decode((offer as Uint8Array).subarray(1)).wanted).values();
      const next = wanted.next();
      return next.done ? undefined : shards[next.value];
    },
  });
  return decodeReply(frames.at(-1) as Uint8Array);
}

/** The commitments of an answer, which must be signed. */
function claimed(reply: Reply, shards: readonly Uint8Array[]): Uint8Array[] {
  assert.ok(reply.status === 'ok');
  const { commitments, sig } = stageResult.decode(reply.body);
  assert.ok(commitments !== undefined && sig !== undefined);
  const ids = concat(...shards.map(sha256));
  assert.equal(verifyStageClaim({ upload, ids, commitments, holder: HOLDER.publicKey, sig }), true);
  return unpack(commitments, 48);
}

const committed = (shards: readonly Uint8Array[]) => Promise.all(shards.map((shard) => engine.commit(shard)));

test('a holder claims the commitments of what it stored, in the order of the request, and signs the claim', async (t) => {
  const holder = await openHolder(t, base);
  const shards = shardsAt(object, [6, 0, 3, 1, 2, 4, 5, 7, 10, 11]);
  assert.deepEqual(claimed(await delegate(holder, shards), shards), await committed(shards));
});

test('shards that it had already are read from its disk and committed too', async (t) => {
  const holder = await openHolder(t, base);
  const shards = shardsAt(object, [0, 1, 2, 3]);
  await stage(holder, owner, shards.slice(1, 3));
  assert.deepEqual(claimed(await delegate(holder, shards), shards), await committed(shards));
});

test('a shard that was damaged since is asked for again', async (t) => {
  const holder = await openHolder(t, base);
  const shards = shardsAt(object, [0, 1]);
  await stage(holder, owner, shards);
  await damageShard(holder, sha256(shards[1] as Uint8Array));
  assert.equal((await delegate(holder, shards)).status, 'busy');
  while (await holder.shards.hasMany([sha256(shards[1] as Uint8Array)]).then(([here]) => here))
    await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(claimed(await delegate(holder, shards), shards), await committed(shards));
});

test('an operator may refuse to commit for others', async (t) => {
  const holder = await openHolder(t, { ...base, commitForOthers: false });
  const shards = shardsAt(object, [0]);
  assert.deepEqual(told(await delegate(holder, shards)), ['not-allowed', 'no-commitments']);
  assert.equal(holder.shards.usage().shards, 0);
});

test('a full engine is answered busy; what has come stays, and nothing stays reserved', async (t) => {
  const full = watched();
  let jobs = 0;
  full.commit = async (blob) => {
    if (++jobs > 1) throw new KzgError({ code: 'queue-full', limit: 1 }, 'full');
    return engine.commit(blob);
  };
  const holder = await openHolder(t, { ...base, engine: full });
  const shards = shardsAt(object, [0, 1, 2, 3]);
  const reply = await delegate(holder, shards);
  assert.ok(reply.status === 'busy' && reply.retryAt > holder.clock.now());
  full.commit = (blob) => engine.commit(blob);
  assert.deepEqual(claimed(await delegate(holder, shards), shards), await committed(shards));
  assert.equal(holder.shards.usage().reservedBytes, 0);
});

test('no more than a few shards of a call wait for their commitments', async (t) => {
  const slow = watched();
  let running = 0;
  let most = 0;
  slow.commit = async () => {
    most = Math.max(most, ++running);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    running--;
    return new Uint8Array(48);
  };
  const holder = await openHolder(t, { ...base, engine: slow });
  const shards = Array.from({ length: 40 }, (_, i) => new Uint8Array(SHARD_BYTES).fill(i + 1));
  const reply = await delegate(holder, shards);
  assert.equal(claimed(reply, shards).length, 40);
  assert.ok(most > 1 && most <= 8, `${most}`);
});

test('bytes that are no blob are refused when they are to be committed', async (t) => {
  const holder = await openHolder(t, base);
  assert.deepEqual(told(await delegate(holder, [new Uint8Array(SHARD_BYTES).fill(0xff)])), [
    'invalid-request',
    'not-a-blob',
  ]);
});

test('the first of several shards that was refused decides, wherever its bytes were', async (t) => {
  const holder = await openHolder(t, base);
  const shards = [new Uint8Array(SHARD_BYTES).fill(0xff), ...shardsAt(object, [0, 1, 2])];
  await stage(holder, owner, shards);
  assert.deepEqual(told(await delegate(holder, shards)), ['invalid-request', 'not-a-blob']);
});

test('whoever asks for much leaves room for the others, and for the work of the node itself', async (t) => {
  const slow = watched();
  const started: number[] = [];
  const jobs: (() => void)[] = [];
  Object.defineProperty(slow, 'threads', { value: 1 });
  slow.commit = async ([first]) => {
    started.push(first as number);
    await new Promise<void>((resolve) => jobs.push(resolve));
    return new Uint8Array(48);
  };
  const holder = await openHolder(t, { ...base, engine: slow });
  const shards = (first: number, count: number) =>
    Array.from({ length: count }, (_, i) => new Uint8Array(SHARD_BYTES).fill(first + i));
  const replies = [delegate(holder, shards(1, 7)), delegate(holder, shards(101, 1), stranger)];
  const ended = Promise.all(replies).then((all) => {
    assert.deepEqual(
      all.map(({ status }) => status),
      ['ok', 'ok'],
    );
    return true;
  });
  await until('both to have stored their shards', () => holder.shards.usage().shards === 8);
  let most = 0;
  for (let done = false; !done; ) {
    most = Math.max(most, jobs.length);
    jobs.shift()?.();
    done = await Promise.race([ended, new Promise<false>((resolve) => setImmediate(resolve, false))]);
  }
  assert.equal(most, 2);
  assert.ok(started.indexOf(101) < 4, `${started}`);
});

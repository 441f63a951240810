import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Handler } from '../../../node/handlers/handler.ts';
import type { HandledMethod } from '../../../node/handlers/table.ts';
import { NodeFaults } from '../../../node/lab/faults/node-faults.ts';
import { labHooks } from '../../../node/lab/lab-hooks.ts';
import { seededRandom } from '../../../node/lab/seeded.ts';
import type { HoldfastNode } from '../../../node/node.ts';
import { equalBytes, toHex } from '../../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { callHandler } from '../../helpers/memory-exchange.ts';
import { openTestStores, shards, stageAll } from '../../helpers/store-home.ts';

const signal = new AbortController().signal;
const SHARDS = 8;

/** A node of stores and handlers only, with a host that notes what is cut. */
async function faulty(t: TestContext) {
  const stores = await openTestStores(t);
  const list = shards(SHARDS);
  await stageAll(stores, 'alice', list);
  const hooks = labHooks();
  const reader = hooks.options.shardReader(stores.shards);
  const answer: Handler = async (_, exchange) => exchange.write(Uint8Array.of(0));
  const methods = ['audit', 'fetch', 'have'] as const;
  const handlers = hooks.options.handlers(
    Object.fromEntries(methods.map((method) => [method, answer])) as Record<HandledMethod, Handler>,
  );
  const cut: string[] = [];
  const host = { cut: (chosen: (peer: string) => boolean) => cut.push(...['a', 'b', 'c'].filter(chosen)) };
  const clock = new ManualClock();
  const node = { stores, host } as unknown as HoldfastNode;
  const faults = new NodeFaults({ node, hooks, clock, random: seededRandom(1, 'faults') });
  const call = (method: HandledMethod, caller = signal) =>
    callHandler(handlers[method], new Uint8Array(1), { remote: 'x', remoteKey: new Uint8Array(32), signal: caller });
  /** How many shards the store gives back as they were, says are damaged, and does not have. */
  const state = async () => {
    const found = { good: 0, damaged: 0, gone: 0 };
    for (const { id, bytes } of list) {
      const read = await stores.shards.get(id).catch(({ code }: { code: string }) => {
        assert.equal(code, 'damaged');
        return 'damaged' as const;
      });
      if (read === 'damaged') found.damaged++;
      else if (read === undefined) found.gone++;
      else if (equalBytes(read, bytes)) found.good++;
    }
    return found;
  };
  /** Positions of the shards that do not come back as they were. */
  const damaged = async () => {
    const read = await Promise.all(list.map(({ id }) => stores.shards.get(id).catch(() => undefined)));
    return read.flatMap((bytes, i) => (bytes === undefined ? [i] : []));
  };
  return { faults, damaged, hooks, reader, list, clock, call, state, cut };
}

test('corrupt flips bits of so many shards, and the store notices each', async (t) => {
  const { faults, state } = await faulty(t);
  assert.deepEqual(await faults.apply({ kind: 'corrupt', shards: 3, bits: 1, draw: 7 }, signal), { shards: 3 });
  assert.deepEqual(await state(), { good: SHARDS - 3, damaged: 3, gone: 0 });
});

test('more than there is: all of it', async (t) => {
  const { faults, state } = await faulty(t);
  assert.deepEqual(await faults.apply({ kind: 'corrupt', shards: 100, bits: 1, draw: 7 }, signal), { shards: SHARDS });
  assert.deepEqual(await state(), { good: 0, damaged: SHARDS, gone: 0 });
});

test('drop loses the bytes of a share of the shards', async (t) => {
  const { faults, state } = await faulty(t);
  assert.deepEqual(await faults.apply({ kind: 'drop', share: 0.25, draw: 7 }, signal), { shards: 2 });
  assert.deepEqual(await state(), { good: SHARDS - 2, damaged: 0, gone: 2 });
  assert.deepEqual(await faults.apply({ kind: 'drop', share: 0, draw: 7 }, signal), { shards: 0 });
});

test('what was dropped is neither corrupted nor dropped once more', async (t) => {
  const { faults, state } = await faulty(t);
  assert.deepEqual(await faults.apply({ kind: 'drop', share: 0.75, draw: 7 }, signal), { shards: 6 });
  assert.deepEqual(await faults.apply({ kind: 'corrupt', shards: SHARDS, bits: 1, draw: 7 }, signal), { shards: 2 });
  assert.deepEqual(await state(), { good: 0, damaged: 2, gone: 6 });
  assert.deepEqual(await faults.apply({ kind: 'drop', share: 0.5, draw: 7 }, signal), { shards: 1 });
  assert.deepEqual(await faults.apply({ kind: 'drop', share: 1, draw: 7 }, signal), { shards: 1 });
  assert.deepEqual(await faults.apply({ kind: 'corrupt', shards: 1, bits: 1, draw: 7 }, signal), { shards: 0 });
});

test('the draw decides what is hit', async (t) => {
  const hit = async (draw: number) => {
    const { faults, damaged } = await faulty(t);
    await faults.apply({ kind: 'corrupt', shards: 2, bits: 1, draw }, signal);
    return damaged();
  };
  const first = await hit(1);
  assert.equal(first.length, 2);
  assert.deepEqual(await hit(1), first);
  const others = await Promise.all([2, 3, 4, 5, 6].map(hit));
  assert.ok(others.some((other) => other.join() !== first.join()));
});

test('a liar reads altered or made-up bytes, and is honest again when told', async (t) => {
  const { faults, reader, list } = await faulty(t);
  const [{ id, bytes }] = list as [(typeof list)[number]];
  const read = async () => (await reader.get(id)) as Uint8Array;
  await faults.apply({ kind: 'lie', how: 'altered' }, signal);
  const altered = await read();
  assert.equal(altered.length, SHARD_BYTES);
  assert.equal(altered.filter((byte, i) => byte !== bytes[i]).length, 1);
  await faults.apply({ kind: 'lie', how: 'claims' }, signal);
  assert.deepEqual(toHex((await read()).subarray(0, 9)), '00'.repeat(9));
  await faults.apply({ kind: 'lie', how: 'none' }, signal);
  assert.ok(equalBytes(await read(), bytes));
});

test('a slow node answers later, and all the same', async (t) => {
  const { faults, call, clock } = await faulty(t);
  await faults.apply({ kind: 'slow', ms: 300 }, signal);
  let answered = false;
  const answer = call('have').then(({ reply }) => {
    answered = true;
    return reply.status;
  });
  await clock.advance(299);
  assert.equal(answered, false);
  await clock.advance(1);
  assert.equal(await answer, 'ok');
  await faults.apply({ kind: 'slow', ms: 0 }, signal);
  assert.equal((await call('have')).reply.status, 'ok');
});

test('a silent node answers everything but audits', async (t) => {
  const { faults, call } = await faulty(t);
  await faults.apply({ kind: 'lie', how: 'silent' }, signal);
  assert.equal((await call('fetch')).reply.status, 'ok');
  const gone = new AbortController();
  const audit = call('audit', gone.signal);
  gone.abort();
  assert.equal((await audit).reply.status, 'internal');
});

test('an isolated node refuses and cuts whom it is told, a killed one everybody', async (t) => {
  const { faults, hooks, cut } = await faulty(t);
  await faults.apply({ kind: 'isolate', from: ['b'] }, signal);
  assert.deepEqual([cut, hooks.gate.refuses('a'), hooks.gate.refuses('b')], [['b'], false, true]);
  await faults.apply({ kind: 'isolate', from: [] }, signal);
  assert.equal(hooks.gate.refuses('b'), false);
  faults.cutOff();
  assert.deepEqual([cut.slice(1), hooks.gate.refuses('z')], [['a', 'b', 'c'], true]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Limiter } from '../../../node/transfer/limiter.ts';
import { StageLane } from '../../../node/transfer/stage-lane.ts';
import { MemoryFailure, MemoryNetwork } from '../../helpers/memory-network.ts';
import { sha256 } from '../../helpers/sample-object.ts';
import { quickClock } from '../../helpers/transfer-bench.ts';

const shardOf = (i: number) => {
  const shard = new Uint8Array(64).fill(i);
  return { id: sha256(shard), bytes: () => shard };
};

test('a lane that has failed stages nothing more, also when a call that was under way is told to wait', async () => {
  for (const answer of [
    new MemoryFailure({ code: 'refused-busy', retryAt: 0 }, 'busy'),
    new MemoryFailure({ code: 'timeout' }, 'silent'),
    new MemoryFailure({ code: 'refused-not-allowed', fault: { code: 'no-commitments', message: 'no' } }, 'no'),
  ]) {
    const network = new MemoryNetwork(1);
    const [holder] = network.all;
    assert.ok(holder);
    const asked = Promise.withResolvers<void>();
    const failed = Promise.withResolvers<void>();
    network.stageAndCommit = async () => {
      asked.resolve();
      await failed.promise;
      throw answer;
    };
    const lane = new StageLane(holder.id, {
      client: network,
      clock: quickClock,
      upload: new Uint8Array(16),
      signal: new AbortController().signal,
      calls: new Limiter(2),
      onStaged: () => {},
    });
    const offered = lane.offer(shardOf(1), true);
    await asked.promise;
    lane.fail(new Error('it lied'));
    failed.resolve();
    await assert.rejects(offered);
    assert.equal(holder.calls.stage, 0);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../node/log.ts';
import { BufferGuard } from '../../../node/network/buffer-guard.ts';
import { MAX_BUFFERED_BYTES } from '../../../node/network/limits.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

function connection(name: string, ...held: readonly (readonly [read: number, write: number])[]) {
  return {
    name,
    aborted: false,
    remotePeer: name,
    streams: held.map(([readBufferLength, writeBufferLength]) => ({ readBufferLength, writeBufferLength })),
    abort() {
      this.aborted = true;
    },
  };
}

test('closes the connections that hold most, and no more than needed', async () => {
  const unit = MAX_BUFFERED_BYTES / 8;
  const connections = [
    connection('small', [unit, 0]),
    connection('large', [unit, unit], [2 * unit, unit]),
    connection('middle', [3 * unit, unit]),
  ];
  const clock = new ManualClock();
  const guard = new BufferGuard({ connections: () => connections, clock, logger: silentLogger });
  guard.start();
  await clock.advance(1000);
  await guard.stop();
  assert.deepEqual(
    connections.filter(({ aborted }) => aborted).map(({ name }) => name),
    ['large'],
  );
});

test('lets the limit itself pass', () => {
  const only = connection('full', [MAX_BUFFERED_BYTES, 0]);
  new BufferGuard({ connections: () => [only], clock: new ManualClock(), logger: silentLogger }).check();
  assert.equal(only.aborted, false);
});

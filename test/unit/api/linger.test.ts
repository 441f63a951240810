import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { LINGER_BYTES, LINGER_MS } from '../../../node/api/limits.ts';
import { drainBody } from '../../../node/api/linger.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const never = new AbortController().signal;

test('the rest of a body is taken in until it ends, or for a limited time', async () => {
  const clock = new ManualClock();
  const ending = new IncomingMessage(new Socket());
  const whole = drainBody(ending, clock, never);
  ending.push(Buffer.alloc(10));
  ending.push(null);
  await whole;

  const silent = new IncomingMessage(new Socket());
  let over = false;
  const limited = drainBody(silent, clock, never).then(() => {
    over = true;
  });
  await clock.advance(LINGER_MS - 1);
  assert.equal(over, false);
  await clock.advance(1);
  await limited;
  assert.equal(silent.listenerCount('data') + silent.listenerCount('end'), 0);
});

test('the rest of a body is taken in up to a limit of bytes', async () => {
  const clock = new ManualClock();
  const long = new IncomingMessage(new Socket());
  let over = false;
  const limited = drainBody(long, clock, never).then(() => {
    over = true;
  });
  const chunk = Buffer.alloc(1024 * 1024);
  for (let bytes = 0; bytes < LINGER_BYTES; bytes += chunk.length) long.push(chunk);
  await clock.advance(0);
  assert.equal(over, false);
  long.push(chunk);
  await limited;
});

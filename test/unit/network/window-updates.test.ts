import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stream } from '@libp2p/interface';
import { halveWindowUpdates } from '../../../node/network/window-updates.ts';

const ESTABLISHED = 3;

function windowed(state: number) {
  const stream = {
    state,
    recvWindow: 1000,
    recvWindowCapacity: 1000,
    updates: 0,
    sendWindowUpdate() {
      this.updates++;
    },
  };
  halveWindowUpdates(stream as unknown as Stream);
  return stream;
}

test('an open stream grants new window when half of it is used', () => {
  const stream = windowed(ESTABLISHED);
  for (const [left, updates] of [
    [900, 0],
    [501, 0],
    [500, 1],
    [0, 2],
  ] as const) {
    stream.recvWindowCapacity = left;
    stream.sendWindowUpdate();
    assert.equal(stream.updates, updates, `${left} left`);
  }
});

test('a stream that is being opened says so at once', () => {
  for (const state of [0, 1, 2]) {
    const stream = windowed(state);
    stream.sendWindowUpdate();
    assert.equal(stream.updates, 1);
  }
});

test('a stream of another muxer is left alone', () => {
  const stream = { send() {} };
  halveWindowUpdates(stream as unknown as Stream);
  assert.deepEqual(Object.keys(stream), ['send']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stream } from '@libp2p/interface';
import { controlWindow } from '../../../node/network/window-updates.ts';

const ESTABLISHED = 3;

function windowed(state: number) {
  const stream = {
    state,
    readStatus: 'readable',
    recvWindow: 1000,
    recvWindowCapacity: 1000,
    updates: 0,
    sendWindowUpdate() {
      this.updates++;
    },
  };
  controlWindow(stream as unknown as Stream);
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

test('a large window is granted in pieces of 128 KiB, so that a slow sender is not taken for one that stands still', () => {
  const stream = windowed(ESTABLISHED);
  stream.recvWindow = 1024 * 1024;
  for (const [used, updates] of [
    [128 * 1024 - 1, 0],
    [128 * 1024, 1],
  ] as const) {
    stream.recvWindowCapacity = stream.recvWindow - used;
    stream.sendWindowUpdate();
    assert.equal(stream.updates, updates);
  }
});

test('a paused stream grants nothing, however much is used', () => {
  const stream = windowed(ESTABLISHED);
  stream.recvWindowCapacity = 0;
  stream.readStatus = 'paused';
  stream.sendWindowUpdate();
  assert.equal(stream.updates, 0);
  stream.readStatus = 'readable';
  stream.sendWindowUpdate();
  assert.equal(stream.updates, 1);
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
  controlWindow(stream as unknown as Stream);
  assert.deepEqual(Object.keys(stream), ['send']);
});

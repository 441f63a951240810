import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareLine, startShareProgress } from '../../../cli/share-progress.ts';

test('a bar of shares appears after a second, is drawn now and then, and is taken away', () => {
  const written: string[] = [];
  let now = 0;
  const stderr = { columns: 80, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  const progress = startShareProgress({ progress: true, stderr }, () => now);
  progress.update('placing', 0.1);
  now = 1100;
  progress.update('placing', 0.5);
  now = 1150;
  progress.update('placing', 0.6);
  assert.equal(written.length, 1);
  assert.match(written[0] ?? '', /placing █{12}░{12} {2}50% {2}1s left$/);
  progress.end();
  assert.equal(written.length, 2);
  const silent = startShareProgress({ progress: false, stderr }, () => now);
  silent.update('placing', 1);
  silent.end();
  assert.equal(written.length, 2);
});

test('without a share there is no time left to tell', () => {
  assert.match(shareLine('simulating', 0, 500), /^simulating ░{24} {3}0% {2}– left$/);
});

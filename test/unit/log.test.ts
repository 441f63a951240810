import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, type LogLevel } from '../../node/log.ts';

function capture(level: LogLevel, format: 'text' | 'json') {
  const lines: string[] = [];
  const log = createLogger({ level, format, clock: { now: () => 0 }, write: (line) => lines.push(line) });
  return { log, lines };
}

test('only what is severe enough is logged, with the fields of the child', () => {
  const { log, lines } = capture('warn', 'text');
  const child = log.child({ part: 'api' });
  child.info('quiet');
  child.debug('quiet');
  child.warn('loud', { peer: '12D3', why: 'two words', none: undefined });
  child.error('louder');
  assert.deepEqual(lines, [
    '1970-01-01T00:00:00.000Z warn  loud part=api peer=12D3 why="two words"\n',
    '1970-01-01T00:00:00.000Z error louder part=api\n',
  ]);
});

test('no message or value can forge a line, hide the level, or grow without bound', () => {
  for (const format of ['text', 'json'] as const) {
    const { log, lines } = capture('info', format);
    log.info('a\nb', { x: 'c\nd\u001b', level: 'fake', long: 'y'.repeat(10_000) });
    assert.equal(lines.length, 1);
    assert.equal(lines[0]?.indexOf('\n'), (lines[0]?.length ?? 0) - 1);
    assert.ok((lines[0]?.length ?? 0) < 1500);
    log.info('\u009b2J', { peer: 'a\u009b31m\u007f' });
    assert.doesNotMatch(lines[1]?.slice(0, -1) ?? '', /\p{Cc}/u);
    if (format === 'json') assert.equal(JSON.parse(lines[1] ?? '').peer, 'a\u009b31m\u007f');
    if (format === 'json') assert.equal(JSON.parse(lines[0] ?? '').level, 'info');
  }
});

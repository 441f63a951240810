import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliError } from '../../../cli/cli-error.ts';
import { EXIT, exitCodeOf } from '../../../cli/exit-codes.ts';
import { formatBytes, formatDuration } from '../../../cli/format.ts';
import { printable, table } from '../../../cli/output.ts';
import { ProblemError } from '../../../cli/problem-error.ts';
import { progressLine, startProgress } from '../../../cli/progress.ts';
import { reportError } from '../../../cli/report-error.ts';
import { PROBLEMS } from '../../../node/api/problem.ts';

test('exit codes are those that the interface promises', () => {
  assert.deepEqual(
    Object.values(EXIT).sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 62, 64, 130],
  );
  const expected = {
    'too-few-peers': 2,
    'not-enough-shards': 4,
    'integrity-failure': 5,
    'wrong-key': 5,
    'no-node': 6,
    timeout: 62,
    'timed-out': 62,
    usage: 64,
    'not-a-link': 64,
    'key-required': 64,
    'range-not-satisfiable': 64,
    interrupted: 130,
    'unknown-file': 1,
    'no such code': 1,
    toString: 1,
  };
  for (const [code, exit] of Object.entries(expected)) assert.equal(exitCodeOf(code), exit, code);
  for (const code of Object.keys(PROBLEMS)) assert.notEqual(exitCodeOf(code), EXIT.ok, code);
});

function reported(error: unknown, options: { json?: boolean; verbose?: boolean; debug?: boolean } = {}) {
  let text = '';
  const exit = reportError(error, {
    json: false,
    verbose: false,
    debug: false,
    ...options,
    write: (part) => {
      text += part;
    },
  });
  return { text, exit };
}

test('an error is one line without a stack, its causes come only when asked for', () => {
  const error = new CliError('source-changed', 'a\nb \u001b[31mc', {
    cause: new Error('why', { cause: new Error('deeper') }),
  });
  assert.deepEqual(reported(error), { text: 'holdfast: a b \uFFFD[31mc\n', exit: 1 });
  const verbose = reported(error, { verbose: true });
  assert.deepEqual(verbose.text.split('\n').slice(1, 3), ['  caused by: why', '  caused by: deeper']);
  assert.doesNotMatch(verbose.text, /at .*:\d+/);
  assert.match(reported(error, { debug: true }).text, /at .*:\d+/);
});

test('a problem of the node keeps its code, its figures and its causes', () => {
  const problem = {
    type: 'urn:holdfast:problem:too-few-peers',
    title: PROBLEMS['too-few-peers'].title,
    status: 503,
    detail: 'needs 6 peers, 3 present',
    code: 'too-few-peers',
    data: { needed: 6, present: 3 },
    causes: ['from the node'],
  } as const;
  assert.deepEqual(JSON.parse(reported(new ProblemError(problem), { json: true }).text), {
    error: { code: 'too-few-peers', message: 'needs 6 peers, 3 present', data: { needed: 6, present: 3 }, exitCode: 2 },
  });
  assert.match(reported(new ProblemError(problem), { verbose: true }).text, /caused by: from the node/);
});

test('an error that nobody foresaw says how to report it', () => {
  const { text, exit } = reported(new TypeError('x is not a function'));
  assert.match(text, /^holdfast: x is not a function \(unexpected: .*HOLDFAST_DEBUG=1.*\)\n$/);
  assert.equal(exit, 1);
  assert.deepEqual(reported(new CliError('reader-gone', 'nobody')), { text: '', exit: 130 });
});

test('figures are short and columns line up', () => {
  assert.deepEqual([0, 1023, 1024, 1536, 10 * 1024 ** 3, 150 * 1024 ** 2].map(formatBytes), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '10.0 GiB',
    '150 MiB',
  ]);
  assert.deepEqual([0, 59.4, 60, 3725].map(formatDuration), ['0s', '59s', '1m00s', '1h02m']);
  assert.equal(
    table([
      ['a', 'b'],
      ['long', 'c'],
    ]),
    'a     b\nlong  c',
  );
  assert.equal(printable('a\u0007\u202Eb\u2028'), 'a\uFFFD\uFFFDb\uFFFD');
});

test('a bar shows share, rate and time left, and only after a second', () => {
  assert.equal(
    progressLine('f', 512, 1024, 256),
    `f ${'█'.repeat(12)}${'░'.repeat(12)}  50%  512 B of 1.0 KiB  256 B/s  2s left`,
  );
  assert.equal(progressLine('-', 2048, undefined, 1024), '- 2.0 KiB  1.0 KiB/s');
  let now = 0;
  let drawn = '';
  const stderr = {
    columns: 80,
    write: (text: string) => {
      drawn += text;
    },
  } as unknown as NodeJS.WriteStream;
  const progress = startProgress({ progress: true, stderr }, 'f', 1000, () => now);
  progress.update(100);
  now = 900;
  progress.update(450);
  assert.equal(drawn, '');
  now = 1000;
  progress.update(500);
  assert.match(drawn, /50%.*500 B\/s {2}1s left$/);
  progress.end();
  assert.ok(drawn.endsWith('\r\u001b[2K'));
  const silent = startProgress({ progress: false, stderr }, 'f', 1000, () => now);
  drawn = '';
  now = 9000;
  silent.update(900);
  assert.equal(drawn, '');
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { suite, test } from 'node:test';
import type { BenchReport } from '../../../node/bench/results.ts';
import { runCli, startCli } from '../../helpers/cli-process.ts';
import { until } from '../../helpers/until.ts';

/** The benchmark needs no home, and makes none here. */
const home = tmpdir();

const exists = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

suite('holdfast bench', () => {
  test('names its cases and refuses others', async () => {
    const { stdout } = await runCli(['bench', '--list'], { home });
    const names = stdout.trim().split('\n');
    for (const name of ['commit', 'open', 'encode+parity', 'store.put', 'startup', 'add', 'get', 'repair']) {
      assert.ok(names.includes(name), `${name} is missing`);
    }
    const { code, stderr } = await runCli(['bench', 'hash', 'no-such-case'], { home });
    assert.equal(code, 64);
    assert.match(stderr, /no such case: no-such-case; there are commit,/);
    assert.equal((await runCli(['bench', '--rounds', '0'], { home })).code, 64);
  });

  test('--json prints one object, and what is below its target on stderr', async () => {
    const { code, stdout, stderr } = await runCli(['bench', 'hash', '--rounds', '1', '--json'], { home });
    assert.equal(code, 0, stderr);
    const { machine, results, below, skipped } = JSON.parse(stdout) as BenchReport;
    assert.ok(machine.cores > 0);
    assert.deepEqual(skipped, []);
    assert.equal(results.length, 1);
    const [result] = results;
    assert.ok(result);
    assert.equal(result.name, 'hash');
    assert.equal(result.ratio, result.value / result.bound);
    assert.deepEqual(below, result.ratio < (result.target ?? 0) ? ['hash'] : []);
    assert.equal(stderr.includes('below target: hash'), below.length > 0);
  });

  test('an interrupt leaves no process behind', { skip: process.platform !== 'linux' }, async () => {
    const { child, result } = startCli(['bench', 'startup'], { home });
    const pid = child.pid ?? 0;
    let children: number[] = [];
    await until('the benchmark to start a process', async () => {
      assert.equal(child.exitCode, null);
      const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
      children = list.split(' ').filter(Boolean).map(Number);
      return children.length > 0;
    });
    child.kill('SIGINT');
    const { code, stdout } = await result;
    assert.equal(code, 130);
    assert.equal(stdout, '');
    assert.deepEqual(children.filter(exists), []);
  });
});

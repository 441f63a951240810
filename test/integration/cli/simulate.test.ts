import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCli } from '../../helpers/cli-process.ts';
import { until } from '../../helpers/until.ts';
import { folders } from './cli-fixture.ts';

const SMALL = `
kind: simulation
about: A test.
time: 10d
network: { nodes: 20 }
files: { stripes: 20, code: 4+2 }
churn: { lifetime: { mean: 30d } }
`;

test('simulate: a table, one JSON object, the losses alone, a report; the same seed the same result', async (t) => {
  const { run, work } = await folders(t);
  await writeFile(join(work, 'small.yaml'), SMALL);
  const { code, stdout, stderr } = await run(['simulate', 'small.yaml', '--html', 'small.html', '--json']);
  assert.equal(code, 0, stderr);
  const result = JSON.parse(stdout);
  assert.deepEqual([result.scenario, result.seed, result.stripes, result.about], ['small', 1, 20, 'A test.']);
  assert.match(stderr, /report written to small\.html/);
  const page = await readFile(join(work, 'small.html'), 'utf8');
  assert.match(page, /<title>Simulation: small<\/title>/);

  const text = await run(['simulate', 'small.yaml']);
  assert.match(text.stdout, new RegExp(`^result +${result.hash}$`, 'm'));
  assert.match(text.stdout, /^false blame +0 of 20 honest nodes disqualified/m);
  const quiet = await run(['simulate', 'small.yaml', '--seed', '4294967295', '-q']);
  assert.match(quiet.stdout, /^\d+\n$/);

  const again = await run(['simulate', 'small.yaml', '--html', 'small.html']);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /small\.html exists already/);
  const nowhere = await run(['simulate', 'small.yaml', '--html', 'none/small.html']);
  assert.match(nowhere.stderr, /cannot write none.small\.html \(ENOENT\)/);
});

test('simulate: what is wrong with a scenario is one line with the key, and exit code 64', async (t) => {
  const { run, work } = await folders(t);
  await writeFile(join(work, 'wrong.yaml'), SMALL.replace('mean', 'meen'));
  const wrong = await run(['simulate', 'wrong.yaml']);
  assert.equal(wrong.code, 64);
  assert.equal(wrong.stderr, 'holdfast: wrong.yaml: churn.lifetime.meen: unknown key: did you mean mean?\n');
  const none = await run(['simulate', 'no-such-scenario', '--json']);
  assert.equal(none.code, 1);
  assert.equal(JSON.parse(none.stderr).error.code, 'unreadable-scenario');
});

test('simulate: Ctrl-C ends it with 130 and leaves nothing behind', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const { home, work } = await folders(t);
  const { child, result } = startCli(['simulate', 'year-of-churn', '--html', 'never.html'], { home, cwd: work });
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  // It is at work once it has read its scenario; nothing tells that but the processor time it takes.
  await until('the simulation to run', async () => {
    assert.equal(child.exitCode, null, said);
    const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8').catch(() => '');
    return Number(stat.split(' ')[13] ?? 0) > 80;
  });
  child.kill('SIGINT');
  assert.equal((await result).code, 130);
  assert.deepEqual(await readdir(work), []);
});

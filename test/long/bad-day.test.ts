import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { LabReport } from '../../node/lab/record/lab-report.ts';
import { runCli } from '../helpers/cli-process.ts';
import { parsedPage } from '../helpers/page-structure.ts';

const SCENARIO = fileURLToPath(new URL('../../scenarios/bad-day.yaml', import.meta.url));
const LIMIT_MS = 30 * 60_000;

test('a bad day for twenty nodes: no file is lost, nobody honest is disqualified, every liar is found', async (t) => {
  const work = await mkdtemp(join(tmpdir(), 'holdfast-bad-day-'));
  t.after(() => rm(work, { recursive: true, force: true }));
  const folder = join(work, 'lab');
  const args = ['testnet', 'up', '--nodes', '20', '--scenario', SCENARIO, '--folder', folder, '--json'];
  const { code, stdout, stderr } = await runCli([...args, '--report', join(work, 'bad-day')], {
    home: folder,
    limitMs: LIMIT_MS,
  });
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  const { checks, report } = JSON.parse(stdout);
  assert.deepEqual(
    checks.map(({ name, ok }: { name: string; ok: boolean }) => [name, ok]),
    ['no-file-lost', 'no-honest-disqualified', 'liars-found', 'full-health'].map((name) => [name, true]),
  );
  const { nodes, steps, samples } = JSON.parse(await readFile(report.json, 'utf8')) as LabReport;
  assert.ok(nodes.filter(({ dishonest }) => dishonest).length >= 5, 'a fifth lies, one floods');
  for (const what of [/^corrupt/, /^kill/, / lie /, / flood /, /^partition/, /^heal/]) {
    assert.ok(
      steps.some(({ text }) => what.test(text)),
      String(what),
    );
  }
  assert.ok((samples.at(-1)?.repairs.placed ?? 0) > 0, 'what was lost was rebuilt');
  parsedPage(await readFile(report.html, 'utf8'));
  assert.ok(!existsSync(folder));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../../cli/doctor/finding.ts';
import { FORCIBLE_BACKENDS } from '../../../node/kzg/create-engine.ts';
import { OPERATIONS } from '../../../node/kzg/operations.ts';
import { folders } from './cli-fixture.ts';

async function backendFindings(t: Parameters<typeof folders>[0], env: Readonly<Record<string, string>>) {
  const { run } = await folders(t);
  assert.equal((await run(['init'])).code, 0);
  const { stdout } = await run(['doctor', '--json'], { env: { HOLDFAST_API_PORT: '0', ...env } });
  const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] };
  return findings.filter(({ name }) => name === 'backends');
}

test('the doctor says which backend does each operation', async (t) => {
  const findings = await backendFindings(t, {});
  assert.deepEqual(
    findings.map(({ state, detail }) => [state, detail.split(' ')[0]]),
    OPERATIONS.map((operation) => ['ok', operation]),
  );
});

test('it shows the backend that is asked for, or why it cannot be had', async (t) => {
  const [commit] = await backendFindings(t, { HOLDFAST_KZG_BACKEND: 'wasm' });
  assert.match(commit?.detail ?? '', /^commit by wasm;/);
  const [wrong] = await backendFindings(t, { HOLDFAST_KZG_BACKEND: 'abacus' });
  assert.equal(wrong?.state, 'failed');
  for (const backend of FORCIBLE_BACKENDS) assert.match(wrong?.detail ?? '', new RegExp(backend));
});

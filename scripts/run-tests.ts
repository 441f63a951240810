/**
 * Runs one part of the tests: `run-tests.ts unit|integration|e2e|long [file …]`. Each file runs in a process of its own; what
 * one has compiled the others need not compile again.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Part {
  /** Files at a time. */
  readonly concurrency: number;
  /** For each test, milliseconds. */
  readonly timeout: number;
}

const PARTS: Readonly<Record<string, Part>> = {
  unit: { concurrency: 2, timeout: 120_000 },
  integration: { concurrency: 2, timeout: 240_000 },
  e2e: { concurrency: 2, timeout: 480_000 },
  // Gigabytes and half-hours, which would disturb each other.
  long: { concurrency: 1, timeout: 5_400_000 },
};

const [name = '', ...files] = process.argv.slice(2);
const part = PARTS[name];
if (part === undefined) throw new Error(`name one of ${Object.keys(PARTS).join(', ')}`);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const child = spawn(
  process.execPath,
  [
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${part.concurrency}`,
    `--test-timeout=${part.timeout}`,
    ...(files.length > 0 ? files : [`test/${name}/**/*.test.ts`]),
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compiled-tests') },
  },
);
// An interrupt reaches the tests too: this process waits for what they make of it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
const [code] = (await once(child, 'exit')) as [number | null];
process.exitCode = code ?? 1;

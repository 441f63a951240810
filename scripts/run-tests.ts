/**
 * Runs one part of the tests: `run-tests.ts unit|integration|e2e|long [file …]`. Files that are named each run in a process of
 * their own. What one process has compiled the others need not compile again.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, globSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Part {
  /** Processes at a time. */
  readonly concurrency: number;
  /** For each test, milliseconds. */
  readonly timeout: number;
  /** Files matching one of these share a process: to load the modules, and a library's setup, takes longer than their tests. */
  readonly shared?: readonly string[];
  /** Files that are dealt out to so many processes. */
  readonly dealt?: number;
  /** What takes the longest is begun first. */
  readonly first?: readonly string[];
  /** Commands are those of the compiled package, which start faster, and are what people run. */
  readonly compiled?: boolean;
}

const PARTS: Readonly<Record<string, Part>> = {
  unit: { concurrency: 2, timeout: 120_000, dealt: 2 },
  integration: {
    concurrency: 2,
    timeout: 240_000,
    shared: [
      'kzg/{bad-input,c-kzg-core,checked,edge-blobs,kernels,native-kernel,packer,wasm-kernel}',
      'api/*',
      'audit/{audit,receipt,scheduler,scheduler-clock,silence}',
      'cli/{keeping,output,peers,repair,reputation,simulate}',
      'handlers/*',
      'store/*',
    ],
    first: ['kzg/differential', 'kzg/native-sanitizers', 'lab/testnet-runs'],
  },
  e2e: { concurrency: 2, timeout: 480_000, first: ['lost-holders', 'adversary'], compiled: true },
  // Gigabytes and half-hours, which would disturb each other.
  long: { concurrency: 1, timeout: 5_400_000 },
};

const MEMORY_BYTES = 6 * 1024 ** 3;

const [name = '', ...named] = process.argv.slice(2);
const part = PARTS[name];
if (part === undefined) throw new Error(`name one of ${Object.keys(PARTS).join(', ')}`);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const running = new Set<ChildProcess>();
const totals = new Map<string, number>();
const failed: string[][] = [];

// An interrupt reaches the tests too: this process waits for what they make of it.
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true;
    for (const child of running) child.kill(signal);
  });
}

const temporary = mkdtempSync(join(name === 'long' ? tmpdir() : memoryFolder(), 'holdfast-tests-'));
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));
const environment = {
  ...process.env,
  NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compiled-tests'),
  TMPDIR: temporary,
  ...(part.compiled === true ? { TEST_CLI_MAIN: compiledMain() } : {}),
};
const jobs = named.length > 0 ? named.map((file) => [file]) : plan(name, part);
await Promise.all(
  Array.from({ length: part.concurrency }, async () => {
    for (let job = jobs.shift(); job !== undefined && !interrupted; job = jobs.shift()) await run(job, part);
  }),
);
console.log([...totals].map(([what, count]) => `ℹ all ${what} ${count}`).join('\n'));
for (const files of failed)
  console.log(`✖ failed: ${files.length > 5 ? `one of ${files.length} files` : files.join(' ')}`);
process.exitCode = failed.length === 0 && !interrupted ? 0 : 1;

/** Compiles the package. */
function compiledMain(): string {
  const { status } = spawnSync(process.execPath, ['scripts/build.ts'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
  return join(root, 'dist/cli/main.js');
}

/** Where files need no disk, with room for those of a few networks; where there is none, the usual place. */
function memoryFolder(): string {
  const memory = '/dev/shm';
  try {
    accessSync(memory, constants.W_OK);
    const { bavail, bsize } = statfsSync(memory);
    return process.env.TMPDIR === undefined && bavail * bsize >= MEMORY_BYTES ? memory : tmpdir();
  } catch {
    return tmpdir();
  }
}

/** Files of each process, in the order in which they begin. */
function plan(name: string, { shared = [], dealt, first = [] }: Part): string[][] {
  const find = (pattern: string) => {
    const found = globSync(`test/${name}/${pattern}.test.ts`, { cwd: root }).sort();
    // Node would run every test there is.
    if (found.length === 0) throw new Error(`no test/${name}/${pattern}.test.ts`);
    return found;
  };
  const all = find('**/*');
  if (dealt !== undefined) return Array.from({ length: dealt }, (_, i) => all.filter((_, at) => at % dealt === i));
  const groups = shared.map(find);
  const begun = first.flatMap(find);
  const grouped = new Set([...groups.flat(), ...begun]);
  const alone = all.filter((file) => !grouped.has(file));
  return [...begun.map((file) => [file]), ...groups, ...alone.map((file) => [file])];
}

/** Runs the files in one process; what it says is shown when it has ended. */
async function run(files: readonly string[], { timeout }: Part): Promise<void> {
  const child = spawn(
    process.execPath,
    ['--test', '--test-isolation=none', '--test-reporter=spec', `--test-timeout=${timeout}`, ...files],
    {
      cwd: root,
      stdio: ['inherit', 'pipe', 'inherit'],
      env: environment,
    },
  );
  running.add(child);
  const said: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => said.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  running.delete(child);
  const text = Buffer.concat(said).toString();
  process.stdout.write(text);
  for (const [, what = '', count] of text.matchAll(/^ℹ (tests|pass|fail|cancelled|skipped) (\d+)$/gm)) {
    totals.set(what, (totals.get(what) ?? 0) + Number(count));
  }
  if (code !== 0) failed.push([...files]);
}

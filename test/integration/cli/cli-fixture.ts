import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { homePaths } from '../../../node/config/home.ts';
import { createPrivateFolder } from '../../../node/config/private-file.ts';
import { startApi, TOKEN } from '../api/api-fixture.ts';

export const MAIN = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly out: Buffer;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly started?: (child: ChildProcess) => void;
}

/** Two empty folders: a home and a place to work in. */
export async function folders(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-cli-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const home = join(root, 'home');
  const work = join(root, 'work');
  await createPrivateFolder(work);
  const run = (args: readonly string[], options: RunOptions = {}) => runCli(home, args, { cwd: work, ...options });
  return { home, work, run, listing: async () => (await readdir(work)).sort() };
}

/** As `folders`, with a node of in-memory services answering for the home. */
export async function folderWithNode(t: TestContext) {
  const places = await folders(t);
  const api = await startApi(t);
  const paths = homePaths(places.home);
  await createPrivateFolder(places.home);
  await writeFile(paths.token, `${TOKEN}\n`, { mode: 0o600 });
  await writeFile(paths.api, JSON.stringify({ host: '127.0.0.1', port: api.port }));
  return { ...places, ...api };
}

export async function runCli(home: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_')));
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: options.cwd,
    env: { ...inherited, HOLDFAST_HOME: home, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  options.started?.(child);
  // The command may end before it has read all of its input.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input);
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, stderr, code] = await Promise.all([buffer(child.stdout), text(child.stderr), closed]);
  return { code, out, stdout: out.toString('utf8'), stderr };
}

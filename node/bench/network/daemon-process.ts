import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homePaths } from '../../config/home.ts';
import type { BenchContext } from '../bench-context.ts';
import { runCommand, spawnCommand } from './command-process.ts';

const POLL_MS = 5;

export interface DaemonOptions {
  /** Made and initialised when it is not there. */
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Told of the process as soon as there is one. */
  readonly onSpawn?: (pid: number) => void;
}

/** One `holdfast daemon` in a process of its own. */
export class DaemonProcess {
  readonly home: string;
  readonly #child: ChildProcess;
  readonly #origin: string;

  private constructor(home: string, child: ChildProcess, origin: string) {
    this.home = home;
    this.#child = child;
    this.#origin = origin;
  }

  /** Makes an identity for a daemon. */
  static async initialise(context: BenchContext, home: string): Promise<void> {
    await mkdir(home, { recursive: true, mode: 0o700 });
    await runCommand(context, ['init', '--json'], { home });
  }

  /** Resolves as soon as `/readyz` says yes. @throws the signal's reason; Error when the daemon ends before */
  static async start(context: BenchContext, { home, env, onSpawn }: DaemonOptions): Promise<DaemonProcess> {
    const port = await freePort();
    const child = spawnCommand(context, ['daemon', '--json'], {
      home,
      env: { HOLDFAST_API_PORT: String(port), HOLDFAST_LOG_LEVEL: 'error', ...env },
    });
    if (child.pid !== undefined) onSpawn?.(child.pid);
    const told: string[] = [];
    child.stdout?.resume();
    child.stderr?.setEncoding('utf8').on('data', (text: string) => void told.push(text.slice(0, 1000)));
    const daemon = new DaemonProcess(home, child, `http://127.0.0.1:${port}`);
    try {
      while (!(await daemon.#isReady(context.signal))) {
        context.signal.throwIfAborted();
        const ended = child.exitCode ?? child.signalCode;
        if (ended !== null) throw new Error(`the daemon ended with ${ended}: ${told.join('')}`);
        await context.clock.sleep(POLL_MS, context.signal);
      }
      return daemon;
    } catch (error) {
      await daemon.stop();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Connected peers that it has heard an advert of. */
  async peers(signal: AbortSignal): Promise<number> {
    const token = (await readFile(homePaths(this.home).token, 'utf8')).trim();
    const answer = await fetch(`${this.#origin}/v1/peers`, { headers: { authorization: `Bearer ${token}` }, signal });
    const { peers } = (await answer.json()) as { peers: { connected: boolean; freeBytes?: number }[] };
    return peers.filter(({ connected, freeBytes }) => connected && freeBytes !== undefined).length;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }

  async #isReady(signal: AbortSignal): Promise<boolean> {
    try {
      const answer = await fetch(`${this.#origin}/readyz`, { signal });
      await answer.body?.cancel();
      return answer.ok;
    } catch {
      return false; // nobody listens yet
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

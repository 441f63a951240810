import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ApiError } from '../api/problem.ts';
import type { ChannelAnswer, ChannelRequest } from './process-channel.ts';

export interface DaemonProcessOptions {
  /** How the command line is started: a program and its first arguments. */
  readonly command: readonly [string, ...string[]];
  /** Initialised, with its configuration. */
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What a daemon says when it is ready. */
interface Ready {
  readonly ready: true;
  readonly api: { readonly host: string; readonly port: number };
}

type Asked = ChannelRequest extends infer R ? (R extends ChannelRequest ? Omit<R, 'id'> : never) : never;

const LOG_LINES = 20;
const MAX_LINE = 2000;
/** Settings of this process that a node does not inherit; which kernels compute is one for all. */
const OWN_SETTING = /^HOLDFAST_(?!NATIVE$|KZG_)/;

/** One `holdfast daemon` that this process started, with the channel that only labs have. It ends when this process does. */
export class DaemonProcess {
  readonly api: Ready['api'];
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<ChannelAnswer>>();
  #asked = 0;

  private constructor(child: ChildProcess, api: Ready['api']) {
    this.#child = child;
    this.api = api;
    child.on('message', (message) => this.#answered(message as ChannelAnswer));
    child.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new ApiError('not-ready', 'the node ended meanwhile'));
      this.#waiting.clear();
    });
  }

  /** Resolves when the daemon is ready. @throws ApiError with what it complained of; the signal's reason */
  static async start(
    { command: [program, ...first], home, environment }: DaemonProcessOptions,
    signal: AbortSignal,
  ): Promise<DaemonProcess> {
    signal.throwIfAborted();
    const inherited = Object.entries(environment).filter(([name]) => !OWN_SETTING.test(name));
    const child = spawn(program, [...first, 'daemon', '--json'], {
      env: { ...Object.fromEntries(inherited), HOLDFAST_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Ctrl-C is for the lab, which ends its nodes in order.
      detached: true,
    });
    endWithThis(child);
    const said = lastLines(child);
    try {
      return new DaemonProcess(child, (await readyOf(child, signal)).api);
    } catch (error) {
      child.kill('SIGKILL');
      signal.throwIfAborted();
      throw new ApiError('internal', `a node did not start: ${said()}`, { cause: error });
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Calls `listener` once when the process has ended, whoever ended it. */
  onExit(listener: () => void): void {
    this.#child.once('exit', listener);
  }

  /** @throws ApiError what the daemon says, or that it has ended */
  async ask(request: Asked): Promise<ChannelAnswer> {
    if (!this.#child.connected) throw new ApiError('not-ready', 'the node has ended');
    const id = this.#asked++;
    const answer = Promise.withResolvers<ChannelAnswer>();
    this.#waiting.set(id, answer);
    this.#child.send({ ...request, id });
    return answer.promise;
  }

  /** Ends the process and waits until it is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (!this.running) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }

  #answered(message: ChannelAnswer): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('failed' in message) waiting?.reject(new ApiError('internal', message.failed));
    else waiting?.resolve(message);
  }
}

const children = new Set<ChildProcess>();
const killAll = () => {
  for (const child of children) child.kill('SIGKILL');
};

/** However this process ends, none is left behind. */
function endWithThis(child: ChildProcess): void {
  if (children.size === 0) process.once('exit', killAll);
  children.add(child);
  child.once('exit', () => {
    children.delete(child);
    if (children.size === 0) process.removeListener('exit', killAll);
  });
}

async function readyOf(child: ChildProcess, signal: AbortSignal): Promise<Ready> {
  const settled = new AbortController();
  const options = { signal: AbortSignal.any([settled.signal, signal]) };
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  try {
    const [first] = (await Promise.race([
      once(lines, 'line', options),
      once(child, 'exit', options).then(([code, name]) => {
        throw new Error(`it ended with ${name ?? code}`);
      }),
    ])) as [string];
    return JSON.parse(first) as Ready;
  } finally {
    settled.abort();
    // Nothing else is said there; what is not read would stop the process.
    lines.close();
    child.stdout?.resume();
  }
}

function lastLines(child: ChildProcess): () => string {
  const lines: string[] = [];
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
    lines.push(line.slice(0, MAX_LINE));
    if (lines.length > LOG_LINES) lines.shift();
  });
  return () => lines.at(-1) ?? 'it said nothing';
}

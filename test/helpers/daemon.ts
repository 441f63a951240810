import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { homePaths } from '../../node/config/home.ts';
import { type CliOptions, type CliResult, type CliRun, spawnCli, startCli } from './cli-process.ts';

export interface DaemonOptions {
  /** From 1; the daemon listens on 127.0.<number>.1. */
  readonly number: number;
  /** Initialised. */
  readonly home: string;
  readonly peer: string;
  /** Multiaddr with the peer id, the same after every restart. */
  readonly address: string;
  /** Configuration, as environment variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Command that starts it and all commands at it, e.g. one that enters a network namespace. */
  readonly prefix?: readonly string[];
}

/** Where the daemon's storage stands, as `GET /v1/storage` says. */
export interface Storage {
  readonly usedBytes: number;
  readonly stagedBytes: number;
  readonly reservedBytes: number;
  readonly capacityBytes: number;
  readonly shards: number;
  readonly damagedShards: number;
}

type RunOptions = Omit<CliOptions, 'home'>;

const START_LIMIT_MS = 60_000;
const LOG_LINES = 400;

/** One `holdfast daemon` process: told what to do through the CLI binary only, looked at through its API too. */
export class Daemon {
  readonly number: number;
  readonly home: string;
  readonly peer: string;
  readonly address: string;
  /** Configuration that it is started with. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #prefix: readonly string[];
  readonly #log: string[] = [];
  #child: ChildProcess | undefined;

  constructor({ number, home, peer, address, env, prefix = [] }: DaemonOptions) {
    this.number = number;
    this.home = home;
    this.peer = peer;
    this.address = address;
    this.environment = env;
    this.#prefix = prefix;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** @throws Error when the daemon does not run */
  get pid(): number {
    assert.ok(this.#child?.pid, `daemon ${this.number} does not run`);
    return this.#child.pid;
  }

  /** The last lines that the daemon logged. */
  get log(): string {
    return this.#log.join('\n');
  }

  /** Starts the process and waits for its ready line. `env` overrides the configuration for this run. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    assert.equal(this.#child, undefined, `daemon ${this.number} runs already`);
    const child = spawnCli(['daemon', '--json'], {
      home: this.home,
      env: { ...this.environment, ...env },
      prefix: this.#prefix,
    });
    this.#child = child;
    child.stdin?.end();
    const stderr = createInterface({ input: child.stderr as NodeJS.ReadableStream });
    stderr.on('line', (line) => {
      this.#log.push(line);
      if (this.#log.length > LOG_LINES) this.#log.shift();
    });
    const gone = once(child, 'exit').then(([code, signal]) => {
      if (this.#child === child) this.#child = undefined;
      return `ended with ${signal ?? code}`;
    });
    const stdout = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    const timeout = AbortSignal.timeout(START_LIMIT_MS);
    const first = await Promise.race([
      once(stdout, 'line', { signal: timeout }).then(([line]) => JSON.parse(line as string) as { ready?: boolean }),
      gone,
    ]).catch((error: unknown) => String(error));
    if (typeof first === 'string' || first.ready !== true) {
      child.kill('SIGKILL');
      throw new Error(`daemon ${this.number} is not ready: ${JSON.stringify(first)}\n${this.log}`);
    }
  }

  /** Ends the process and waits until it is gone. @returns its exit code, -1 after a signal that it did not handle */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    const child = this.#child;
    if (child === undefined) return 0;
    const ended = once(child, 'exit');
    child.kill(signal);
    const [code] = (await ended) as [number | null];
    this.#child = undefined;
    return code ?? -1;
  }

  /** `kill -9` */
  async kill(): Promise<void> {
    await this.stop('SIGKILL');
  }

  /** Waits until the process has ended by itself. */
  async ended(): Promise<void> {
    if (this.#child !== undefined) await once(this.#child, 'exit');
    this.#child = undefined;
  }

  /** Starts a command at this daemon. */
  begin(args: readonly string[], options: RunOptions = {}): CliRun {
    return startCli(args, { home: this.home, prefix: this.#prefix, ...options });
  }

  /** Runs a command at this daemon, whatever its exit code. */
  run(args: readonly string[], options: RunOptions = {}): Promise<CliResult> {
    return this.begin(args, options).result;
  }

  /** Runs a command that must end with `code`. */
  async expect(code: number, args: readonly string[], options: RunOptions = {}): Promise<CliResult> {
    const result = await this.run(args, options);
    assert.equal(result.code, code, this.#told(args, result));
    return result;
  }

  /** Runs a command that must succeed. */
  ok(args: readonly string[], options: RunOptions = {}): Promise<CliResult> {
    return this.expect(0, args, options);
  }

  /** The JSON document that a command prints when it succeeds, or ends with `code`. */
  async json<T>(args: readonly string[], { code = 0, ...options }: RunOptions & { readonly code?: number } = {}) {
    const { stdout } = await this.expect(code, [...args, '--json'], options);
    return JSON.parse(stdout) as T;
  }

  /**
   * What the API says, without the process that a command takes: for looks that are repeated until something has come about.
   * A daemon in a namespace of its own is reached through its commands only.
   */
  async look<T>(path: string): Promise<T> {
    const { api, token } = homePaths(this.home);
    const { host, port } = JSON.parse(await readFile(api, 'utf8')) as { host: string; port: number };
    const authorization = `Bearer ${(await readFile(token, 'utf8')).trim()}`;
    const answer = await fetch(`http://${host}:${port}${path}`, { headers: { authorization } });
    const body = await answer.text();
    assert.equal(answer.status, 200, `${path} of daemon ${this.number}: ${body}`);
    return JSON.parse(body) as T;
  }

  storage(): Promise<Storage> {
    return this.look('/v1/storage');
  }

  #told(args: readonly string[], { code, stdout, stderr }: CliResult): string {
    const log = this.#log.slice(-20).join('\n');
    const output = stdout.length > 2000 ? `${stdout.slice(0, 2000)}…` : stdout;
    return `holdfast ${args.join(' ')} ended with ${code}\nstdout: ${output}\nstderr: ${stderr}\nlog of daemon ${this.number}:\n${log}`;
  }
}

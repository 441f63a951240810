import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { LabStatus } from '../../node/lab/lab-status.ts';
import { type CliResult, runCli, spawnCli } from './cli-process.ts';

/** One `holdfast testnet up`, and the commands of other terminals at it. */
export class Testnet {
  readonly folder: string;
  /** As it was told when the lab was ready. */
  readonly ready: LabStatus;
  readonly #child: ChildProcess;
  readonly #said: string[];

  private constructor(folder: string, ready: LabStatus, child: ChildProcess, said: string[]) {
    this.folder = folder;
    this.ready = ready;
    this.#child = child;
    this.#said = said;
  }

  /** Starts a lab in `folder` and waits until it is ready. */
  static async up(folder: string, ...args: readonly string[]): Promise<Testnet> {
    const child = spawnCli(['testnet', 'up', '--json', '--folder', folder, ...args], { home: folder });
    child.stdin?.end();
    const said: string[] = [];
    child.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    const ended = once(child, 'exit').then(([code]) => `ended with ${code}`);
    const first = await Promise.race([once(lines, 'line').then(([line]) => line as string), ended]);
    assert.match(first, /^\{/, `the lab is not ready: ${first}: ${said.join('')}`);
    return new Testnet(folder, JSON.parse(first) as LabStatus, child, said);
  }

  /** What it said on stderr up to now. */
  get said(): string {
    return this.#said.join('');
  }

  /** Runs `holdfast testnet …` at it, whatever its exit code. */
  run(...args: readonly string[]): Promise<CliResult> {
    return runCli(['testnet', ...args, '--folder', this.folder], { home: this.folder });
  }

  /** Runs one that must succeed; what it printed. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    assert.equal(code, 0, `testnet ${args.join(' ')} ended with ${code}: ${stderr}`);
    return stdout;
  }

  async status(): Promise<LabStatus> {
    return JSON.parse(await this.ok('status', '--json')) as LabStatus;
  }

  /** Runs a command at one of its nodes. */
  at(number: number, args: readonly string[]): Promise<CliResult> {
    return runCli(args, { home: this.ready.nodes[number - 1]?.home as string });
  }

  /** Sends a signal and waits for the end. @returns the exit code, -1 when the signal ended it at once */
  async end(signal?: NodeJS.Signals): Promise<number> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    if (this.#child.signalCode !== null) return -1;
    const ended = once(this.#child, 'exit');
    if (signal !== undefined) this.#child.kill(signal);
    const [code] = (await ended) as [number | null];
    return code ?? -1;
  }
}

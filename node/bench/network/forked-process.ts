import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { HEAP_ARGUMENTS } from '../../heap.ts';

/**
 * A process of the benchmark that says when it is ready and then answers requests, one at a time. It ends when this
 * process does, however that ends: its channel closes.
 */
export class ForkedProcess<Ready, Request, Answer> {
  readonly ready: Ready;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child;
    this.ready = ready;
  }

  /** @throws the signal's reason, with the process gone */
  static async start<Ready, Request, Answer>(
    module: URL,
    args: readonly string[],
    signal: AbortSignal,
  ): Promise<ForkedProcess<Ready, Request, Answer>> {
    signal.throwIfAborted();
    const child = fork(fileURLToPath(module), [...args], { execArgv: [...HEAP_ARGUMENTS] });
    try {
      return new ForkedProcess<Ready, Request, Answer>(child, (await nextMessage(child, signal)) as Ready);
    } catch (error) {
      await killed(child);
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws Error with what the process says went wrong, or that it has ended */
  async call(request: Request): Promise<Answer> {
    this.#child.send(request as object);
    const answer = (await nextMessage(this.#child)) as Answer | { readonly failed: string };
    if (typeof answer === 'object' && answer !== null && 'failed' in answer) throw new Error(answer.failed);
    return answer as Answer;
  }

  /** What it has is thrown away, so it need not stop in order: 24 nodes would take ten seconds. */
  async stop(): Promise<void> {
    await killed(this.#child);
  }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function nextMessage(child: ChildProcess, signal?: AbortSignal): Promise<unknown> {
  const settled = new AbortController();
  const options = { signal: signal === undefined ? settled.signal : AbortSignal.any([settled.signal, signal]) };
  const ended = async () => {
    const [code, name] = (await once(child, 'exit', options)) as [number | null, string | null];
    throw new Error(`a process of the benchmark ended with ${name ?? `code ${code}`}`);
  };
  try {
    const [message] = (await Promise.race([once(child, 'message', options), ended()])) as [unknown];
    return message;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    settled.abort();
  }
}

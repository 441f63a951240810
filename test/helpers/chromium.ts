import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'headless_shell'];
const START_LIMIT_MS = 60_000;
const CALL_LIMIT_MS = 60_000;

/** A Chromium of this machine: CHROMIUM_PATH, the PATH, or a cache of Playwright. */
export function findChromium(): string | undefined {
  const { CHROMIUM_PATH: named, PATH = '' } = process.env;
  if (named !== undefined && named !== '') return named;
  const inPath = PATH.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [...inPath, ...playwrightBuilds()].find((path) => existsSync(path));
}

function playwrightBuilds(): string[] {
  const cache = join(homedir(), '.cache', 'ms-playwright');
  const builds = existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith('chromium')) : [];
  return builds.flatMap((build) => [
    join(cache, build, 'chrome-linux', 'chrome'),
    join(cache, build, 'chrome-linux', 'headless_shell'),
  ]);
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, never>;
  readonly result?: Record<string, never>;
  readonly error?: { readonly message: string };
}

/** One page in a headless Chromium, spoken to by its DevTools protocol. */
export class ChromiumPage {
  /** Exceptions, and what the browser or the page complained of. */
  readonly complaints: string[] = [];
  readonly #child: ChildProcess;
  readonly #socket: WebSocket;
  readonly #profile: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<Record<string, never>>>();
  readonly #events = new EventTarget();
  #session: string | undefined;
  #calls = 0;

  private constructor(child: ChildProcess, socket: WebSocket, profile: string) {
    this.#child = child;
    this.#socket = socket;
    this.#profile = profile;
    socket.addEventListener('message', ({ data }) => this.#heard(JSON.parse(String(data)) as Message));
  }

  /** Opens an address. `close` must be called. */
  static async open(binary: string, url: string): Promise<ChromiumPage> {
    const profile = await mkdtemp(join(tmpdir(), 'holdfast-chromium-'));
    const child = spawn(
      binary,
      [
        '--headless=new',
        // Tests may run as root, where Chromium's sandbox does not start.
        '--no-sandbox',
        '--disable-gpu',
        '--no-first-run',
        '--remote-debugging-port=0',
        `--user-data-dir=${profile}`,
        '--window-size=1000,1400',
        'about:blank',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    process.once('exit', () => child.kill('SIGKILL'));
    const socket = new WebSocket(await devToolsOf(child));
    await once(socket, 'open', { signal: AbortSignal.timeout(START_LIMIT_MS) });
    const page = new ChromiumPage(child, socket, profile);
    await page.#attach(url);
    return page;
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = (await this.#call('Runtime.evaluate', {
      expression,
      returnByValue: true,
    })) as unknown as { result: { value: T }; exceptionDetails?: { text: string } };
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
    return result.value;
  }

  /** PNG of a part of the page, in its own coordinates. */
  async screenshot(clip: { x: number; y: number; width: number; height: number }): Promise<Buffer> {
    const { data } = (await this.#call('Page.captureScreenshot', {
      format: 'png',
      captureBeyondViewport: true,
      clip: { ...clip, scale: 1 },
    })) as unknown as { data: string };
    return Buffer.from(data, 'base64');
  }

  async close(): Promise<void> {
    this.#socket.close();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await ended;
    }
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  async #attach(url: string): Promise<void> {
    const { targetId } = (await this.#call('Target.createTarget', { url: 'about:blank' })) as unknown as {
      targetId: string;
    };
    const { sessionId } = (await this.#call('Target.attachToTarget', { targetId, flatten: true })) as unknown as {
      sessionId: string;
    };
    this.#session = sessionId;
    for (const domain of ['Page', 'Runtime', 'Log']) await this.#call(`${domain}.enable`, {});
    const loaded = once(this.#events, 'Page.loadEventFired', { signal: AbortSignal.timeout(CALL_LIMIT_MS) });
    await this.#call('Page.navigate', { url });
    await loaded;
  }

  #call(method: string, params: Record<string, unknown>): Promise<Record<string, never>> {
    const id = ++this.#calls;
    const answer = Promise.withResolvers<Record<string, never>>();
    this.#waiting.set(id, answer);
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    return answer.promise;
  }

  #heard({ id, method, params, result, error }: Message): void {
    if (id !== undefined) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error !== undefined) waiting?.reject(new Error(error.message));
      else waiting?.resolve(result ?? {});
      return;
    }
    if (method === 'Runtime.exceptionThrown' || method === 'Runtime.consoleAPICalled' || method === 'Log.entryAdded') {
      this.complaints.push(JSON.stringify(params));
    }
    if (method !== undefined) this.#events.dispatchEvent(new Event(method));
  }
}

async function devToolsOf(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream });
  const said: string[] = [];
  const found = Promise.withResolvers<string>();
  lines.on('line', (line) => {
    said.push(line);
    const url = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (url !== undefined) found.resolve(url);
  });
  child.once('error', found.reject);
  child.once('exit', (code) => found.reject(new Error(`Chromium ended with ${code}: ${said.slice(-5).join(' ')}`)));
  const limit = setTimeout(() => found.reject(new Error(`Chromium is not ready: ${said.join(' ')}`)), START_LIMIT_MS);
  try {
    return await found.promise;
  } finally {
    clearTimeout(limit);
  }
}

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ScenarioError } from '../scenario/scenario-error.ts';

export const TRACED = { online: 0, offline: 1, leave: 2, join: 3 } as const;

/** What nodes did, in order of time. */
export interface Trace {
  readonly length: number;
  /** Milliseconds from the start. */
  readonly times: Float64Array;
  readonly nodes: Int32Array;
  /** As in `TRACED`. */
  readonly kinds: Uint8Array;
}

/** Nodes that are not there at the start, by the first thing they do: `online` who was away, `join` who is new. */
export function latecomers({ length, times, nodes, kinds }: Trace): ReadonlyMap<number, number> {
  const seen = new Set<number>();
  const late = new Map<number, number>();
  for (let i = 0; i < length; i++) {
    const node = nodes[i] as number;
    if (seen.has(node)) continue;
    seen.add(node);
    const kind = kinds[i] as number;
    // Who comes at the time 0 is there when the stripes are placed.
    if ((times[i] as number) > 0 && (kind === TRACED.online || kind === TRACED.join)) late.set(node, kind);
  }
  return late;
}

const HEADER = 'time,node,event';
/** 13 bytes each. */
const MAX_EVENTS = 20_000_000;
const MAX_LINE = 200;
const NOTHING = -1;
const LINE = /^(\d{1,12}(?:\.\d{1,6})?),([\w.:-]{1,100}),(online|offline|leave|join)$/;

/**
 * A trace: the line `time,node,event`, then one line for each event: seconds from the start, ascending; any name of a
 * node; `online`, `offline`, `leave` (for good) or `join` (a new one under that name, in place of one that left). Nodes get
 * their numbers in the order in which they appear; those that the trace does not name are always there.
 *
 * @throws ScenarioError that names the line
 */
export async function readTrace(path: string, nodes: number, signal: AbortSignal): Promise<Trace> {
  const builder = new TraceBuilder(path, nodes);
  try {
    // Opening a pipe would wait for its other end.
    if (!(await stat(path)).isFile()) throw unreadable(path, 'is not a file');
    let rest = '';
    for await (const chunk of createReadStream(path, { encoding: 'utf8', signal })) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) builder.line(line);
      if (rest.length > MAX_LINE) builder.line(rest);
    }
    if (rest !== '') builder.line(rest);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ScenarioError) throw error;
    throw unreadable(path, `cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
  return builder.trace();
}

function unreadable(path: string, what: string, cause?: unknown): ScenarioError {
  const message = `${path} ${what}: churn.trace names a file beside the scenario`;
  return new ScenarioError({ code: 'unreadable-scenario', path }, message, { cause });
}

class TraceBuilder {
  readonly #path: string;
  readonly #maxNodes: number;
  readonly #numbers = new Map<string, number>();
  /** What each node did last. */
  readonly #last: Int8Array;
  #times = new Float64Array(1024);
  #nodes = new Int32Array(1024);
  #kinds = new Uint8Array(1024);
  #length = 0;
  #row = 0;

  constructor(path: string, maxNodes: number) {
    this.#path = path;
    this.#maxNodes = maxNodes;
    this.#last = new Int8Array(maxNodes).fill(NOTHING);
  }

  trace(): Trace {
    if (this.#row === 0) this.#refuse('is empty');
    return { length: this.#length, times: this.#times, nodes: this.#nodes, kinds: this.#kinds };
  }

  line(raw: string): void {
    const text = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (++this.#row === 1) {
      if (text !== HEADER) this.#refuse(`expected ${HEADER}`);
      return;
    }
    if (text === '') return;
    const match = text.length > MAX_LINE ? null : LINE.exec(text);
    if (match === null) this.#refuse('expected seconds, a name, and online, offline, leave or join');
    const [, seconds = '', name = '', event = ''] = match ?? [];
    const [node, kind] = [this.#numberOf(name), TRACED[event as keyof typeof TRACED]];
    const last = this.#last[node];
    if (kind === TRACED.join && last !== TRACED.leave && last !== NOTHING)
      this.#refuse(`${name} joins and has not left`);
    this.#last[node] = kind;
    this.#add(Number(seconds) * 1000, node, kind);
  }

  #numberOf(name: string): number {
    const number = this.#numbers.get(name) ?? this.#numbers.size;
    if (number >= this.#maxNodes) this.#refuse(`${name} is one node more than the ${this.#maxNodes} of network.nodes`);
    this.#numbers.set(name, number);
    return number;
  }

  #add(time: number, node: number, kind: number): void {
    const length = this.#length;
    if (length === MAX_EVENTS) this.#refuse(`more than ${MAX_EVENTS} events`);
    if (length > 0 && time < (this.#times[length - 1] as number)) this.#refuse('is earlier than the line above');
    if (length === this.#times.length) this.#grow();
    this.#times[length] = time;
    this.#nodes[length] = node;
    this.#kinds[length] = kind;
    this.#length = length + 1;
  }

  #refuse(what: string): never {
    const message = `${this.#path}: line ${this.#row}: ${what}`;
    throw new ScenarioError({ code: 'bad-scenario', path: this.#path, key: 'churn.trace' }, message);
  }

  #grow(): void {
    const capacity = 2 * this.#times.length;
    const [times, nodes, kinds] = [this.#times, this.#nodes, this.#kinds];
    this.#times = new Float64Array(capacity);
    this.#times.set(times);
    this.#nodes = new Int32Array(capacity);
    this.#nodes.set(nodes);
    this.#kinds = new Uint8Array(capacity);
    this.#kinds.set(kinds);
  }
}

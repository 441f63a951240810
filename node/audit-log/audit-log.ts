import type { Signer } from '../../protocol/signature.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { isDamagedRecord } from '../store/errors.ts';
import type { LogChange, LogRecord } from '../store/security-log-store.ts';
import { AuditLogError } from './audit-log-error.ts';
import { type Draft, emptyState, extend, prune } from './chain.ts';
import { decodeEntry } from './entry.ts';
import type { EventData, LogEventType, SecurityEventType } from './event.ts';
import { type Retention, removable } from './retention.ts';
import { decodeHead, type LogPlace, type LogState } from './statement.ts';
import { type LogVerification, verifyLog } from './verification.ts';

export interface AuditLogDeps {
  readonly store: LogStorage;
  /** This node: signs heads, checkpoints and anchors. */
  readonly signer: Signer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly retention: Retention;
}

export interface LogStorage {
  head(): Promise<Uint8Array | undefined>;
  records(options: {
    after?: number;
    before?: number;
    reverse?: boolean;
    signal?: AbortSignal | undefined;
  }): AsyncIterable<LogRecord>;
  change<T>(build: () => Promise<{ change: LogChange; result: T }>): Promise<T>;
}

interface Waiting {
  readonly draft: Draft;
  readonly durable?: PromiseWithResolvers<void>;
}

/** Events that wait to be written: as many as a flood of refused challenges brings while a disk syncs slowly. */
const MAX_WAITING = 4096;
/** Entries that share one synced batch. */
const MAX_BATCH = 256;
/** A checkpoint at least every so many entries, and after an hour with any. */
const CHECKPOINT_ENTRIES = 1000;
const UPKEEP_MS = 60 * 60_000;
/** How soon a write that failed is tried again. */
const RETRY_MS = 30_000;

/**
 * The security log: append-only, each entry bound to the one before by its hash, the newest by a signed head that is
 * written in the same synced batch. A crash loses at most what was still waiting, and leaves no gap.
 */
export class AuditLog {
  readonly #deps: AuditLogDeps;
  readonly #queue: Waiting[] = [];
  #dropped = 0;
  #state: LogState | undefined;
  /** The last write failed: whether it was kept is only known from the database. */
  #unsure = false;
  #sinceCheckpoint = 0;
  #pruneDue = false;
  #verifying = 0;
  #running: Promise<void> | undefined;
  #stopping: AbortController | undefined;
  #stopped = false;
  #upkeep: Promise<unknown> = Promise.resolve();
  /** Time of the newest entry of the run before, and the monotonic time when it was read. */
  #before = { at: 0, monotonic: 0 };

  constructor(deps: AuditLogDeps) {
    this.#deps = deps;
  }

  /** Finds the end of the log; what was recorded before waits until then. @throws StoreError */
  async start(): Promise<void> {
    if (this.#stopping !== undefined) return;
    this.#stopping = new AbortController();
    this.#stopped = false;
    await this.#load();
    this.#checkpointNext();
    this.#pruneDue = true;
    this.#run();
    const { signal } = this.#stopping;
    this.#upkeep = Promise.all([
      this.#every(UPKEEP_MS, signal, () => {
        if (this.#sinceCheckpoint > 0) this.#checkpointNext();
        this.#pruneDue = true;
      }),
      this.#every(RETRY_MS, signal, () => undefined),
    ]);
  }

  /** Writes what waits, and a checkpoint. Idempotent. */
  async stop(): Promise<void> {
    if (this.#stopping === undefined) return;
    this.#stopping.abort();
    this.#stopping = undefined;
    await this.#upkeep;
    if (this.#sinceCheckpoint > 0 || this.#queue.length > 0) this.#checkpointNext();
    await this.#running;
    this.#run();
    await this.#running;
    this.#state = undefined;
    this.#stopped = true;
    const lost = this.#queue.splice(0);
    if (lost.length > 0) this.#deps.log.error('events are missing in the security log', { events: lost.length });
    for (const { durable } of lost) durable?.reject(stopped());
  }

  /** Takes note of an event; it is durable soon after. */
  record(type: SecurityEventType, data: EventData): void {
    this.#enqueue(type, data);
  }

  /**
   * As `record`; durable when it resolves. When it rejects because a write failed, the event is still tried again.
   * @throws AuditLogError | StoreError
   */
  append(event: { readonly type: SecurityEventType; readonly data: EventData }): Promise<void> {
    const durable = Promise.withResolvers<void>();
    if (!this.#enqueue(event.type, event.data, durable)) durable.reject(this.#stopped ? stopped() : full());
    return durable.promise;
  }

  /** The newest entry; undefined for an empty log or one that is not running. */
  head(): LogPlace | undefined {
    const state = this.#state;
    return state === undefined || state.seq === 0 ? undefined : { seq: state.seq, hash: state.hash };
  }

  /** Reads all that is written by now; nothing is pruned meanwhile. @throws the signal's reason */
  async verify(known: LogPlace | undefined, signal: AbortSignal): Promise<LogVerification> {
    const { store, signer } = this.#deps;
    this.#verifying++;
    try {
      // What the writer is doing now may be a removal.
      await this.#running;
      const head = await storedHead(store);
      const end = head === undefined || head === 'damaged' ? undefined : decodeHead(head, signer.publicKey)?.seq;
      return await verifyLog({
        records: upTo(store.records({ signal }), end),
        head,
        publicKey: signer.publicKey,
        known,
      });
    } finally {
      this.#verifying--;
      this.#run();
    }
  }

  #enqueue(type: LogEventType, data: EventData, durable?: PromiseWithResolvers<void>): boolean {
    if (this.#stopped) return false;
    if (this.#queue.length >= MAX_WAITING) {
      this.#dropped++;
      return false;
    }
    this.#queue.push({ draft: { at: this.#deps.clock.now(), type, data }, ...(durable && { durable }) });
    this.#run();
    return true;
  }

  #checkpointNext(): void {
    this.#sinceCheckpoint = 0;
    this.#queue.push({ draft: { at: this.#deps.clock.now(), statement: 'checkpoint' } });
  }

  /** Not the whole log: only what `verify` would find at its end. What is wrong is noted in the log, for good. */
  async #load(): Promise<void> {
    const { store, signer, log } = this.#deps;
    const stored = await storedHead(store);
    const head = stored === undefined || stored === 'damaged' ? undefined : decodeHead(stored, signer.publicKey);
    const [last] = await Array.fromAsync(newest(store));
    const { clock } = this.#deps;
    if (head === undefined && stored === undefined && last === undefined) {
      this.#before = { at: clock.now(), monotonic: clock.monotonic() };
      this.#state = emptyState(signer.publicKey);
      return;
    }
    const entry = last?.bytes === undefined ? undefined : decodeEntry(last.bytes);
    const hash = typeof entry === 'object' ? entry.hash : undefined;
    this.#before = { at: typeof entry === 'object' ? entry.at : 0, monotonic: clock.monotonic() };
    if (head !== undefined && head.seq === last?.seq) {
      this.#state = head;
      return;
    }
    const seq = Math.max(head?.seq ?? 0, last?.seq ?? 0);
    const follows = head?.seq === seq ? head.hash : (hash ?? emptyState(signer.publicKey).hash);
    this.#state = { seq, hash: follows, first: head?.first ?? 1, bytes: head?.bytes ?? 0 };
    const reason = `its head was ${head === undefined ? 'missing or damaged' : `entry ${head.seq}`}, its newest entry ${last?.seq ?? 'missing'}`;
    log.error('the security log was changed while the node was stopped: run holdfast log verify', { reason });
    this.#queue.unshift({ draft: { at: this.#deps.clock.now(), type: 'break', data: { reason } } });
  }

  /** Begins to write, unless that is under way, nothing waits, or the log is not open yet. */
  #run(): void {
    if (this.#running !== undefined || this.#state === undefined) return;
    if (this.#queue.length === 0 && !this.#mayPrune()) return;
    this.#running = this.#work();
  }

  async #work(): Promise<void> {
    try {
      // In turns: events that never cease must not keep the oldest from going.
      while (this.#queue.length > 0 || this.#mayPrune()) {
        if (this.#queue.length > 0) await this.#writeBatch();
        if (this.#mayPrune()) await this.#prune();
      }
    } catch (error) {
      this.#unsure = true;
      this.#deps.log.error('the security log cannot be written', {
        reason: String(error),
        waiting: this.#queue.length,
      });
      // Their events stay and are tried again; who waits is told now.
      for (const { durable } of this.#queue) durable?.reject(error);
    } finally {
      // Here, not when the promise settles: an event in between would wait for the next one.
      this.#running = undefined;
    }
  }

  async #writeBatch(): Promise<void> {
    const { store, signer, clock } = this.#deps;
    if (this.#sinceCheckpoint >= CHECKPOINT_ENTRIES) this.#checkpointNext();
    const batch = this.#queue.slice(0, MAX_BATCH);
    const dropped = this.#dropped;
    const drafts = batch.map(({ draft }) => draft);
    if (dropped > 0) drafts.unshift({ at: clock.now(), type: 'dropped', data: { events: dropped } });
    this.#state = await store.change(async () => {
      const { change, state } = extend(await this.#current(), drafts, signer);
      return { change, result: state };
    });
    this.#unsure = false;
    this.#dropped -= dropped;
    this.#sinceCheckpoint += batch.filter(({ draft }) => !('statement' in draft)).length;
    this.#queue.splice(0, batch.length);
    for (const { durable } of batch) durable?.resolve();
    if (this.#state.bytes > this.#deps.retention.maxBytes) this.#pruneDue = true;
  }

  async #prune(): Promise<void> {
    const { store, signer, clock, retention } = this.#deps;
    const now = clock.now();
    const removal = await removable(store.records({}), this.#state as LogState, retention, this.#lived(now));
    if (removal === undefined) {
      this.#pruneDue = false;
      return;
    }
    this.#state = await store.change(async () => {
      const { change, state: next } = prune(await this.#current(), removal, now, signer);
      return { change, result: next };
    });
    this.#unsure = false;
  }

  /**
   * What age is counted from: the wall clock, but no further than this run has lasted since the newest entry of the one
   * before. A clock that is ahead for once must not take everything; entries that it writes are ahead as well.
   */
  #lived(now: number): number {
    const { at, monotonic } = this.#before;
    return Math.min(now, at + this.#deps.clock.monotonic() - monotonic);
  }

  /** Not while the state in memory may be wrong: the next entry that is written settles that. */
  #mayPrune(): boolean {
    return this.#pruneDue && this.#verifying === 0 && !this.#unsure;
  }

  async #current(): Promise<LogState> {
    const { store, signer } = this.#deps;
    if (this.#unsure) {
      const stored = await store.head();
      if (stored !== undefined) this.#state = decodeHead(stored, signer.publicKey) ?? this.#state;
      this.#unsure = false;
    }
    return this.#state as LogState;
  }

  async #every(ms: number, signal: AbortSignal, task: () => void): Promise<void> {
    while (!signal.aborted) {
      await this.#deps.clock.sleep(ms, signal).catch(() => undefined);
      if (signal.aborted) return;
      task();
      this.#run();
    }
  }
}

const full = () =>
  new AuditLogError(
    { code: 'log-queue-full', waiting: MAX_WAITING },
    `the security log has ${MAX_WAITING} events waiting: see whether the disk can be written`,
  );

const stopped = () => new AuditLogError({ code: 'log-stopped' }, 'the security log has stopped with the node');

export async function storedHead(store: Pick<LogStorage, 'head'>): Promise<Uint8Array | undefined | 'damaged'> {
  try {
    return await store.head();
  } catch (error) {
    if (isDamagedRecord(error)) return 'damaged';
    throw error;
  }
}

async function* newest(store: Pick<LogStorage, 'records'>): AsyncGenerator<LogRecord> {
  for await (const record of store.records({ reverse: true })) {
    yield record;
    return;
  }
}

/** Entries that were added after the head was read are not looked at. */
async function* upTo(records: AsyncIterable<LogRecord>, end: number | undefined): AsyncGenerator<LogRecord> {
  for await (const record of records) {
    if (end !== undefined && record.seq > end) return;
    yield record;
  }
}

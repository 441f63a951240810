import type { LogStorage } from '../../node/audit-log/audit-log.ts';
import type { LogChange, LogRecord } from '../../node/store/security-log-store.ts';

/** The security log's storage in memory, with the failures that a test asks for. */
export class MemoryLog implements LogStorage {
  stored = new Map<number, Uint8Array>();
  storedHead: Uint8Array | undefined;
  changes = 0;
  /** Thrown by the next changes; `kept`: although it threw, the change is there. */
  failure: { readonly error: Error; readonly kept: boolean } | undefined;
  /** Runs before a change is applied. */
  beforeChange: () => Promise<void> = async () => {};

  async head(): Promise<Uint8Array | undefined> {
    return this.storedHead;
  }

  async *records(options: { after?: number; before?: number; reverse?: boolean } = {}): AsyncGenerator<LogRecord> {
    const { after = 0, before = Number.POSITIVE_INFINITY, reverse = false } = options;
    const seqs = [...this.stored.keys()].sort((a, b) => a - b).filter((seq) => seq > after && seq < before);
    for (const seq of reverse ? seqs.toReversed() : seqs) yield { seq, bytes: this.stored.get(seq) };
  }

  async change<T>(build: () => Promise<{ change: LogChange; result: T }>): Promise<T> {
    await this.beforeChange();
    const { change, result } = await build();
    if (this.failure === undefined || this.failure.kept) this.#apply(change);
    if (this.failure !== undefined) throw this.failure.error;
    this.changes++;
    return result;
  }

  #apply({ added, removed = [], head }: LogChange): void {
    for (const { seq, bytes } of added) this.stored.set(seq, bytes);
    for (const seq of removed) this.stored.delete(seq);
    this.storedHead = head;
  }

  copy(): MemoryLog {
    const copy = new MemoryLog();
    copy.stored = new Map([...this.stored].map(([seq, bytes]) => [seq, bytes.slice()]));
    copy.storedHead = this.storedHead?.slice();
    return copy;
  }
}

import type { CID } from 'multiformats/cid';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { MAX_RELEASED, readFinalizing, UploadJournal } from './journal.ts';
import type { AbandonedUploads, Catalog, JournalStore, ReceiptBook } from './ports.ts';

export interface UnfinishedUploadsOptions {
  readonly journals: JournalStore;
  readonly receipts: ReceiptBook;
  readonly catalog: Catalog;
  readonly abandoned: AbandonedUploads;
  readonly clock: Clock;
  readonly log: Logger;
  /** Sources that are being read; one whose upload is being dropped is among them meanwhile. */
  readonly sources: Set<string>;
}

/** Staged shards live for 7 days at most (protocol v1 §4.1): an older journal has nothing to go on with. */
const JOURNAL_LIFE_MS = 7 * 24 * 60 * 60 * 1000;
const SWEEP_EVERY_MS = 24 * 60 * 60 * 1000;

/** Uploads that have a journal, and what is owed to their holders when nobody goes on with them. */
export class UnfinishedUploads {
  readonly #options: UnfinishedUploadsOptions;
  #stopping: AbortController | undefined;
  #sweeping: Promise<void> = Promise.resolve();

  constructor(options: UnfinishedUploadsOptions) {
    this.#options = options;
  }

  /** Drops what nobody can resume: now, and every day what has become too old. */
  async start(): Promise<void> {
    if (this.#stopping !== undefined) return;
    await this.#sweep((source) => source === undefined);
    this.#stopping = new AbortController();
    this.#sweeping = this.#sweepDaily(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping?.abort(new DOMException('the node is stopping', 'AbortError'));
    await this.#sweeping;
    this.#stopping = undefined;
  }

  /** Holders are about to be asked to sign for the object: from here on they must be told if nothing comes of it. */
  async finalizing(journal: UploadJournal, root: CID, holders: Iterable<string>): Promise<void> {
    const { journals } = this.#options;
    const before = await readFinalizing(journals, journal.upload);
    const asked = new Set(holders);
    if (before?.root.equals(root) === true) for (const peer of before.holders) asked.add(peer);
    else await this.#release(journal.upload);
    // Who is left out is found by the search that follows a release.
    await journal.finalizing({ root, holders: [...asked].slice(0, MAX_RELEASED) });
  }

  /** Nobody will go on with the upload: its holders are told, and its key is forgotten. */
  async drop(upload: Uint8Array): Promise<void> {
    await this.#release(upload);
    await this.#options.journals.drop(upload);
  }

  /** Promises made at the end of an upload hold until they are released, and so do our receipts of them. */
  async #release(upload: Uint8Array): Promise<void> {
    const { abandoned, catalog, journals, receipts } = this.#options;
    const asked = await readFinalizing(journals, upload);
    // A crash may have come between the acknowledgement and the end of the journal.
    if (asked === undefined || (await catalog.has(asked.root))) return;
    const holders = new Set([...asked.holders, ...(await receipts.holders(asked.root))]);
    await abandoned.release(asked.root, [...holders]);
    await receipts.removeRoot(asked.root);
  }

  async #sweepDaily(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(SWEEP_EVERY_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.#sweep(() => false).catch((error: unknown) =>
        log.warn('unfinished uploads were not looked through', { reason: String(error) }),
      );
    }
  }

  async #sweep(isLost: (sourceId: string | undefined) => boolean): Promise<void> {
    const { clock, journals, sources } = this.#options;
    for await (const upload of journals.uploads()) {
      const head = (await UploadJournal.open(journals, upload))?.head;
      const sourceId = head?.sourceId;
      const isOld = sourceId !== undefined && clock.now() - (head?.created ?? 0) > JOURNAL_LIFE_MS;
      if (!(isOld || isLost(sourceId)) || (sourceId !== undefined && sources.has(sourceId))) continue;
      if (sourceId !== undefined) sources.add(sourceId);
      try {
        await this.drop(upload);
      } finally {
        if (sourceId !== undefined) sources.delete(sourceId);
      }
    }
  }
}

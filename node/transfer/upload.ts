import type { CID } from 'multiformats/cid';
import { nodeCid } from '../../protocol/cid.ts';
import type { CodeParameters } from '../../protocol/code.ts';
import { FILE_KEY_BYTES, SHARD_BYTES, UPLOAD_ID_BYTES } from '../../protocol/constants.ts';
import { dataShardCount, stripeCount, stripesPerSegment } from '../../protocol/geometry.ts';
import { formatLink } from '../../protocol/link.ts';
import { encodeRoot, type Root, signRoot } from '../../protocol/manifest.ts';
import type { Signer } from '../../protocol/signature.ts';
import { abortable, linkedController } from './abortable.ts';
import { Finalizer } from './finalizer.ts';
import { UploadJournal } from './journal.ts';
import { Limiter } from './limiter.ts';
import type {
  AbandonedUploads,
  Catalog,
  FetchClient,
  FinalizeClient,
  JournalStore,
  ManifestSink,
  ReceiptBook,
  StageClient,
} from './ports.ts';
import { rebuilder } from './rebuild.ts';
import { StripeReader } from './stripe-reader.ts';
import { TransferError } from './transfer-error.ts';
import { UnfinishedUploads } from './unfinished-uploads.ts';
import {
  type AddOptions,
  type AddResult,
  badIndexLength,
  checkIndexLength,
  checkMinShards,
  checkPresent,
  fitsCode,
  roomyCode,
} from './upload-options.ts';
import { callsInFlight, type PassDeps, type PassTarget, preparePass, type UploadPass } from './upload-pass.ts';
import { PlaintextChanged } from './upload-run.ts';

export interface UploaderOptions extends Omit<PassDeps, 'commits' | 'encodes' | 'calls'> {
  readonly network: Uint8Array;
  readonly signer: Signer;
  readonly client: StageClient & FinalizeClient & FetchClient;
  readonly journals: JournalStore;
  readonly manifests: ManifestSink;
  readonly receipts: ReceiptBook;
  readonly catalog: Catalog;
  readonly abandoned: AbandonedUploads;
  /** Commitments asked of the engine at a time, over all uploads. */
  readonly commitsInFlight?: number;
}

/** Keeps 2 × 32 cores busy and stays below what the engine's queue takes. */
const DEFAULT_COMMITS_IN_FLIGHT = 64;
const ENCODES_IN_FLIGHT = 8;
const MAX_WARNINGS = 100;

/** One `add` from start to end. */
interface Upload extends PassTarget {
  readonly warnings: Set<string>;
}

/** Stores objects on the network (protocol v1 §1–4). `add` may run several times at once. */
export class Uploader {
  readonly #options: UploaderOptions;
  readonly #shared: PassDeps;
  readonly #running = new Map<AbortController, Promise<unknown>>();
  /** Sources being read: two uploads of one source must not share a key. */
  readonly #sources = new Set<string>();
  readonly #unfinished: UnfinishedUploads;

  constructor(options: UploaderOptions) {
    this.#options = options;
    const commits = new Limiter(options.commitsInFlight ?? DEFAULT_COMMITS_IN_FLIGHT);
    const calls = new Limiter(callsInFlight(options.uploadBytesPerSecond));
    this.#shared = { ...options, commits, calls, encodes: new Limiter(ENCODES_IN_FLIGHT) };
    this.#unfinished = new UnfinishedUploads({ ...options, sources: this.#sources });
  }

  /** Forgets uploads that nobody can resume. */
  async start(): Promise<void> {
    await this.#unfinished.start();
  }

  /** Aborts what runs; journals stay, so that it can go on later. */
  async stop(): Promise<void> {
    const reason = new DOMException('the node is stopping', 'AbortError');
    for (const controller of this.#running.keys()) controller.abort(reason);
    await Promise.allSettled(this.#running.values());
    await this.#unfinished.stop();
  }

  /**
   * Reads the source once and stores it. Resolves when the object is acknowledged (protocol v1 §4.5); a rejection means
   * that nothing is stored under a link: staged shards die by themselves.
   *
   * @throws TransferError, PlacementError, or the reason of the signal
   */
  async add(source: AsyncIterable<Uint8Array>, options: AddOptions): Promise<AddResult> {
    const { sourceId } = options;
    if (sourceId !== undefined && this.#sources.has(sourceId)) {
      const message = 'this source is being added already: wait for it, or abort it first';
      throw new TransferError({ code: 'upload-in-progress', sourceId }, message);
    }
    if (sourceId !== undefined) this.#sources.add(sourceId);
    const { controller, unlink } = linkedController(options.signal);
    const running = this.#add(source, options, controller);
    this.#running.set(controller, running);
    try {
      return await running;
    } finally {
      unlink();
      this.#running.delete(controller);
      if (sourceId !== undefined) this.#sources.delete(sourceId);
    }
  }

  async #add(source: AsyncIterable<Uint8Array>, options: AddOptions, controller: AbortController): Promise<AddResult> {
    controller.signal.throwIfAborted();
    const journal = (await this.#resume(options)) ?? (await this.#begin(options));
    const reader = new StripeReader(source, journal.head.code.k);
    const warnings = new Set<string>();
    const warn = (warning: string) => {
      if (warnings.size < MAX_WARNINGS) warnings.add(warning);
    };
    const upload = { options, controller, reader, warn, warnings, storedShards: 0, resumedShards: 0 };
    try {
      return await this.#read(upload, journal);
    } finally {
      reader.close();
    }
  }

  /**
   * An unfinished upload of the same source. One that does not fit what is asked now is forgotten, and its key with it,
   * provided that a new one can begin: peers that are away for a moment must not cost what is done.
   * @throws PlacementError 'too-few-peers'
   */
  async #resume(options: AddOptions): Promise<UploadJournal | undefined> {
    const { journals, chooser } = this.#options;
    if (options.sourceId === undefined) return undefined;
    let found: UploadJournal | undefined;
    for await (const upload of journals.uploads()) {
      const journal = await UploadJournal.open(journals, upload);
      if (journal?.head.sourceId !== options.sourceId) continue;
      const { head } = journal;
      const fits =
        found === undefined &&
        head.kind === options.kind &&
        head.indexLength === options.indexLength &&
        fitsCode(head.code, options);
      if (fits) found = journal;
      else {
        this.#newCode(options);
        await this.#unfinished.drop(upload);
      }
    }
    if (found !== undefined) {
      checkMinShards(options.minShards, found.head.code);
      checkPresent(found.head.code, options, chooser.eligible().length);
    }
    return found;
  }

  /** A new upload under a new key. */
  async #begin(options: AddOptions, code?: CodeParameters): Promise<UploadJournal> {
    const { clock, journals, random } = this.#options;
    const chosen = code ?? this.#newCode(options);
    const { sourceId, kind, indexLength } = options;
    return UploadJournal.begin(journals, random(UPLOAD_ID_BYTES), {
      ...(sourceId === undefined ? {} : { sourceId }),
      ...(indexLength === undefined ? {} : { indexLength }),
      key: random(FILE_KEY_BYTES),
      created: clock.now(),
      kind,
      code: chosen,
    });
  }

  /** @throws TransferError 'bad-option', PlacementError 'too-few-peers' */
  #newCode(options: AddOptions): CodeParameters {
    const code = roomyCode(options, this.#options.chooser);
    checkMinShards(options.minShards, code);
    checkIndexLength(options);
    return code;
  }

  /**
   * Reads and stages everything. When the source differs from what was journalled, the key is abandoned: in the first
   * stripe the upload simply begins again; later the caller must, because what was read is gone.
   */
  async #read(upload: Upload, journal: UploadJournal): Promise<AddResult> {
    let current = journal;
    try {
      for (let pending: PlaintextChanged | undefined; ; ) {
        const pass = preparePass(this.#shared, upload, current);
        try {
          const segments = await pass.run.run(upload.reader, pending?.stripe);
          return await this.#finish(upload, current, segments, pass);
        } catch (error) {
          if (!(error instanceof PlaintextChanged)) throw error;
          await this.#unfinished.drop(current.upload);
          if (error.stripe.index > 0) throw restart(upload.options, current.head.code, error);
          pending = error;
          current = await this.#begin(upload.options, current.head.code);
        } finally {
          pass.unlink();
        }
      }
    } catch (error) {
      // What cannot be resumed need not be remembered.
      if (upload.options.sourceId === undefined) await this.#unfinished.drop(current.upload);
      throw error;
    }
  }

  async #finish(
    upload: Upload,
    journal: UploadJournal,
    segments: readonly CID[],
    { staging, plan, commitments }: UploadPass,
  ): Promise<AddResult> {
    const { reader, controller } = upload;
    const { signal } = controller;
    const root = this.#root(journal, reader.size, segments);
    const rootBytes = encodeRoot(root);
    const cid = nodeCid(rootBytes);
    const finalizer = this.#finalizer(upload, journal, root, rootBytes, new Set(staging.failedPeers()));
    await this.#unfinished.finalizing(journal, cid, staging.placedPeers());
    try {
      await abortable(finalizer.run(), signal);
    } catch (error) {
      // Whoever is right: what was committed wrong here would be refused until the journal is too old.
      const perSegment = stripesPerSegment(journal.head.code);
      for (const index of finalizer.disputed) await journal.forgetStaged(index * perSegment, perSegment);
      throw error;
    }
    await this.#acknowledge(upload, journal, root, rootBytes);
    await journal.drop();
    const { code, key, kind } = journal.head;
    const stripes = stripeCount(root);
    const shards = dataShardCount(root) + stripes * code.m;
    return {
      root: cid,
      key,
      link: formatLink(cid, key),
      size: root.size,
      kind,
      code,
      stripes,
      shards,
      storedBytes: shards * SHARD_BYTES,
      holders: finalizer.holders.size,
      resumedBytes: upload.resumedShards * SHARD_BYTES,
      commitments: { ...plan.choice, claimed: commitments.claimed },
      warnings: [...upload.warnings],
    };
  }

  #root(journal: UploadJournal, size: number, segments: readonly CID[]): Root {
    const { network, signer } = this.#options;
    const { kind, code, created, indexLength } = journal.head;
    if (indexLength !== undefined && indexLength > size) throw badIndexLength();
    const unsigned = {
      network,
      kind,
      payload: 'packed31',
      cipher: 'aes-256-gcm',
      size,
      code,
      segments,
      created,
      owner: signer.publicKey,
      ...(indexLength === undefined ? {} : { indexLength }),
    } as const;
    return signRoot(unsigned, signer);
  }

  #finalizer(
    upload: Upload,
    journal: UploadJournal,
    root: Root,
    rootBytes: Uint8Array,
    suspects: ReadonlySet<string>,
  ): Finalizer {
    const { client, chooser, receipts, clock, codes } = this.#options;
    const { options, reader } = upload;
    let signed = 0;
    return new Finalizer({
      client,
      chooser,
      receipts,
      clock,
      journal,
      root,
      rootBytes,
      suspects,
      rebuild: rebuilder({ client, codes, clock }),
      minShards: options.minShards,
      signal: upload.controller.signal,
      warn: upload.warn,
      onSigned: (shards) => {
        signed += shards;
        options.onProgress?.({ phase: 'finalize', bytes: reader.size, shards: signed });
      },
    });
  }

  /** The catalog comes last: what it lists is complete. */
  async #acknowledge(upload: Upload, journal: UploadJournal, root: Root, rootBytes: Uint8Array): Promise<void> {
    const { manifests, catalog } = this.#options;
    const cid = nodeCid(rootBytes);
    await manifests.putRoot(cid, rootBytes);
    for (const [index, segment] of root.segments.entries()) {
      const { node } = await journal.readSegment(index);
      await manifests.putSegment(cid, segment, node);
    }
    const { key, kind, created, code } = journal.head;
    const { name } = upload.options;
    const named = name === undefined ? {} : { name };
    await catalog.put({ root: cid, key, kind, created, code, size: root.size, ...named });
  }
}

function restart(options: AddOptions, { k }: CodeParameters, cause: PlaintextChanged): TransferError {
  const { index } = cause.stripe;
  const message = `the source changed since its upload was interrupted (after about ${index * k} frames): add it again, it starts afresh`;
  const sourceId = options.sourceId ?? '';
  return new TransferError({ code: 'source-changed-restart', sourceId, stripe: index }, message, { cause });
}

import type { CID } from 'multiformats/cid';
import { CODE_NAMES, type CodeParameters, codeId } from '../../protocol/code.ts';
import { dataShardCount, stripeCount } from '../../protocol/geometry.ts';
import { formatLink } from '../../protocol/link.ts';
import type { Root } from '../../protocol/manifest.ts';
import { ApiError } from '../api/problem.ts';
import type {
  AddOptions,
  AddResult,
  CatalogEntry,
  CatalogPage,
  CodeDescription,
  FileHealth,
  FilesService,
  ManifestDescription,
  OpenFile,
  ReleaseResult,
  StripeHealth,
} from '../api/services.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/options.ts';
import type { Releaser } from '../holdings/releaser.ts';
import { peerIdFromKey } from '../network/peer-key.ts';
import type { FileHealth as FileHealthChecker } from '../repair/file-health.ts';
import type { Stores } from '../store/stores.ts';
import type { Downloader } from '../transfer/download.ts';
import type { ManifestLocator } from '../transfer/locate.ts';
import type { Uploader } from '../transfer/upload.ts';
import { apiFailure, asApi } from './api-failure.ts';
import { rootOf } from './root-argument.ts';

export interface FilesDeps {
  readonly config: Pick<Config, 'files.code' | 'files.codeName' | 'files.commitments'>;
  readonly clock: Clock;
  readonly uploader: Pick<Uploader, 'add'>;
  readonly downloader: Pick<Downloader, 'open'>;
  readonly health: Pick<FileHealthChecker, 'check'>;
  readonly locator: Pick<ManifestLocator, 'root'>;
  readonly releaser: Pick<Releaser, 'release'>;
  readonly stores: Pick<Stores, 'catalog' | 'receivedReceipts' | 'manifests'>;
  /** Who watches over files. */
  readonly watching: {
    /** Forgets who holds what of an object. Durable on return. */
    forget(root: CID): Promise<void>;
    /** The object was removed. */
    released(root: CID): void;
  };
}

const SINGLE_COPY = 'only one peer can take the file, which is lost with it: connect with more, then add it again';

type StoredEntry = NonNullable<Awaited<ReturnType<Stores['catalog']['get']>>>;

/** Files as the API offers them. */
export function createFilesService(deps: FilesDeps): FilesService {
  return {
    add: (source, options) => asApi(() => add(deps, source, options)),
    open: (root, options) => asApi(() => open(deps, rootOf(root), options)),
    list: (options) => asApi(() => list(deps, options)),
    health: (root, options) => asApi(() => fileHealth(deps, rootOf(root), options)),
    manifest: (root, signal) =>
      asApi(async () => describeManifest(root, await deps.locator.root(rootOf(root), signal))),
    release: (root) => asApi(() => release(deps, rootOf(root))),
  };
}

async function add(deps: FilesDeps, source: AsyncIterable<Uint8Array>, options: AddOptions): Promise<AddResult> {
  const { code, codeName, size: sizeHint, ...rest } = options;
  const configured = deps.config['files.codeName'];
  // What is left open is decided by the configuration, then by the number of peers: a tiny network gets copies.
  const name = codeName ?? (configured === 'fr-lagrange' ? undefined : configured);
  const wanted = code ?? deps.config['files.code'];
  const result = await deps.uploader.add(source, {
    ...rest,
    ...(sizeHint === undefined ? {} : { sizeHint }),
    commitments: options.commitments ?? deps.config['files.commitments'],
    code: wanted,
    ...(name === undefined ? {} : { codeId: codeId(name) }),
  });
  const { root, link, size, kind, stripes, shards, storedBytes, holders, resumedBytes, commitments, warnings } = result;
  return {
    root: root.toString(),
    link,
    size,
    kind,
    code: describeCode(result.code),
    stripes,
    shards,
    storedBytes,
    holders,
    resumedBytes,
    commitments,
    // Whoever asked for a single copy knows.
    warnings: wanted === 'auto' && result.code.m === 0 ? [SINGLE_COPY, ...warnings] : warnings,
  };
}

async function open(
  deps: FilesDeps,
  root: CID,
  { key, signal }: { readonly key?: Uint8Array; readonly signal: AbortSignal },
): Promise<OpenFile> {
  const entry = await deps.stores.catalog.get(root);
  const known = key ?? entry?.key;
  const object = await deps.downloader.open(known === undefined ? { root } : { root, key: known }, signal);
  const { size, kind, cipher, created, indexLength } = object.root;
  return {
    root: root.toString(),
    size,
    kind,
    created,
    readable: known !== undefined || cipher === 'none',
    ...(indexLength === undefined ? {} : { indexLength }),
    ...(entry?.name === undefined ? {} : { name: entry.name }),
    read: (range, readSignal) => translated(() => object.read(range, readSignal)),
  };
}

/** Failures in mid-stream become problems too. */
async function* translated(read: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* read();
  } catch (error) {
    throw apiFailure(error);
  }
}

async function list(
  deps: FilesDeps,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<CatalogPage> {
  const files: CatalogEntry[] = [];
  let last: string | undefined;
  for await (const entry of deps.stores.catalog.list(after === undefined ? {} : { after: rootOf(after) })) {
    if (files.length === limit) return last === undefined ? { files } : { files, next: last };
    files.push(describeEntry(entry));
    last = entry.root.toString();
  }
  return { files };
}

async function fileHealth(
  deps: FilesDeps,
  root: CID,
  { worst, signal }: { readonly worst: number; readonly signal: AbortSignal },
): Promise<FileHealth> {
  const manifest = await deps.locator.root(root, signal);
  const entry = await deps.stores.catalog.get(root);
  const holders = new Set<string>();
  let kept: StripeHealth[] = [];
  let presentShards = 0;
  let shards = 0;
  let degradedStripes = 0;
  let lostStripes = 0;
  let suspectedShards = 0;
  let clumpedShards = 0;
  let minimumMargin = Number.POSITIVE_INFINITY;
  let daysToLoss = Number.POSITIVE_INFINITY;
  for await (const { expected, ...stripe } of deps.health.check(root, signal)) {
    for (const peer of stripe.holders.flat()) holders.add(peer);
    presentShards += stripe.present;
    shards += expected;
    suspectedShards += stripe.suspected;
    clumpedShards += stripe.clumped;
    minimumMargin = Math.min(minimumMargin, stripe.margin);
    daysToLoss = Math.min(daysToLoss, stripe.daysToLoss);
    if (stripe.state === 'lost') lostStripes++;
    else if (stripe.present < expected) degradedStripes++;
    kept.push(stripe);
    // Stays bounded for any size of file.
    if (kept.length >= 2 * worst + 64) kept = worstOf(kept, worst);
  }
  return {
    root: root.toString(),
    ...(entry?.name === undefined ? {} : { name: entry.name }),
    size: manifest.size,
    code: describeCode(manifest.code),
    verdict: lostStripes > 0 ? 'lost' : degradedStripes > 0 ? 'degraded' : 'healthy',
    stripes: stripeCount(manifest),
    shards,
    presentShards,
    degradedStripes,
    lostStripes,
    suspectedShards,
    clumpedShards,
    minimumMargin,
    daysToLoss,
    holders: holders.size,
    checkedAt: deps.clock.now(),
    worst: worstOf(kept, worst),
  };
}

function worstOf(stripes: readonly StripeHealth[], count: number): StripeHealth[] {
  return stripes
    .toSorted(
      (a, b) => a.daysToLoss - b.daysToLoss || a.margin - b.margin || a.segment - b.segment || a.stripe - b.stripe,
    )
    .slice(0, count);
}

/** Not left half done when the caller hangs up: what is released must not be in the catalog. */
async function release({ stores, releaser, watching }: FilesDeps, root: CID): Promise<ReleaseResult> {
  if ((await stores.catalog.get(root)) === undefined) {
    throw new ApiError('not-in-catalog', `${root} was not added by this node: only its owner can remove it`);
  }
  const holders = await stores.receivedReceipts.holders(root);
  // Queued durably before anything is forgotten here.
  const result = await releaser.release(root, holders);
  await watching.forget(root);
  await stores.manifests.removeRoot(root);
  await stores.catalog.remove(root);
  watching.released(root);
  return { root: root.toString(), ...result };
}

function describeEntry({ root, key, name, kind, size, created, code }: StoredEntry): CatalogEntry {
  return {
    root: root.toString(),
    ...(name === undefined ? {} : { name }),
    kind,
    size,
    created,
    code: describeCode(code),
    link: formatLink(root, key),
  };
}

function describeCode({ id, k, m }: CodeParameters): CodeDescription {
  return { name: CODE_NAMES[id], k, m };
}

function describeManifest(cid: string, root: Root): ManifestDescription {
  const stripes = stripeCount(root);
  return {
    root: cid,
    kind: root.kind,
    payload: root.payload,
    cipher: root.cipher,
    size: root.size,
    ...(root.indexLength === undefined ? {} : { indexLength: root.indexLength }),
    code: describeCode(root.code),
    created: root.created,
    owner: peerIdFromKey(root.owner),
    segments: root.segments.map((segment) => segment.toString()),
    stripes,
    shards: dataShardCount(root) + stripes * root.code.m,
  };
}

import type { CID } from 'multiformats/cid';
import type { Release } from '../../protocol/release.ts';
import type { Logger } from '../log.ts';
import type { ShardReference } from '../store/shard-types.ts';

export interface HoldingsDeps {
  readonly shards: {
    referencesIn(segment: CID, signal?: AbortSignal): AsyncIterable<ShardReference>;
    release(root: CID, signal?: AbortSignal): Promise<unknown>;
    markDamaged(id: Uint8Array): Promise<boolean>;
  };
  readonly manifests: { removeRoot(root: CID): Promise<void>; hasRoot(root: CID): Promise<boolean> };
  readonly issuedReceipts: { removeRoot(root: CID): Promise<void> };
  readonly releases: {
    put(release: Release): Promise<void>;
    received(signal?: AbortSignal): AsyncIterable<Release>;
  };
  readonly provide: (root: CID) => Promise<unknown>;
  readonly unprovide: (root: CID) => Promise<unknown>;
  readonly log: Logger;
}

/** What this node holds for others, across the stores that know about it. */
export class Holdings {
  readonly #deps: HoldingsDeps;

  constructor(deps: HoldingsDeps) {
    this.#deps = deps;
  }

  /** Finishes releases that a crash interrupted. */
  async start(): Promise<void> {
    for await (const { root } of this.#deps.releases.received()) {
      if (await this.#deps.manifests.hasRoot(root)) await this.#letGo(root);
    }
  }

  /** Ids of the shards of a segment that this node answers for, by index. */
  async idsOf(segment: CID): Promise<ReadonlyMap<number, Uint8Array>> {
    const ids = new Map<number, Uint8Array>();
    for await (const { index, id } of this.#deps.shards.referencesIn(segment)) ids.set(index, id);
    return ids;
  }

  /** The release first: a crash in between must not leave a loss that nothing excuses. */
  async release(release: Release): Promise<void> {
    await this.#deps.releases.put(release);
    await this.#letGo(release.root);
  }

  /** A root that this node now answers for: others find it through the DHT. */
  stored(root: CID): void {
    this.#background(`cannot announce ${root}`, this.#deps.provide(root));
  }

  /** A shard whose bytes turned out to be wrong: declared lost from now on. */
  damaged(id: Uint8Array): void {
    this.#deps.log.error('a stored shard is damaged and declared lost', { shard: Buffer.from(id).toString('hex') });
    this.#background('cannot note a damaged shard', this.#deps.shards.markDamaged(id));
  }

  async #letGo(root: CID): Promise<void> {
    const { shards, issuedReceipts, manifests, unprovide } = this.#deps;
    await shards.release(root);
    await issuedReceipts.removeRoot(root);
    // Last: while the root is kept, an interrupted release is found again.
    await manifests.removeRoot(root);
    this.#background(`cannot withdraw ${root}`, unprovide(root));
  }

  #background(what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      this.#deps.log.debug(what, { reason: error instanceof Error ? error.message : String(error) });
    });
  }
}

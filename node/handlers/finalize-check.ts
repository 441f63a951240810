import { isConstantShard } from '../../protocol/blob.ts';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { sureParity } from '../audit/sure-commitments.ts';
import { type BatchPair, isNoPoint, type KzgEngine } from '../kzg/engine.ts';
import type { ParityCommitment } from '../manifest/loaded-segment.ts';
import { StoreError } from '../store/errors.ts';
import type { ShardReader } from '../store/shard-types.ts';
import type { Claim } from './claim.ts';

export interface CheckDeps {
  readonly shards: ShardReader;
  readonly engine: Pick<KzgEngine, 'batchCheck'> & { checked(): Pick<KzgEngine, 'combineCommitments'> };
  /** Told of a shard whose bytes turned out to be damaged. */
  readonly onDamaged: (id: Uint8Array) => void;
}

export interface ShardFault {
  readonly status: 'invalid-request' | 'not-held';
  readonly code: string;
  readonly message: string;
  readonly shards: ReadonlyMap<Claim, readonly number[]>;
}

/**
 * Shards checked by one batch. Its one MSM takes a fifth of what reading the shards takes; naming the bad ones, should
 * all of them be, takes half a minute of a worker, and with that the request is over.
 */
const BATCH = 512;

interface Pair extends BatchPair {
  readonly id: Uint8Array;
  /** Copies of one shard are checked once. */
  readonly at: { readonly claim: Claim; readonly index: number }[];
}

/** Checks bytes against commitments (protocol v1 §4.3) up to the first fault; undefined when all is well. */
export async function checkShards(
  deps: CheckDeps,
  claims: readonly Claim[],
  signal: AbortSignal,
): Promise<ShardFault | undefined> {
  const found = new Findings(deps);
  let pairs = new Map<string, Pair>();
  for (const claim of claims) {
    for (const { index, id } of claim.entries()) {
      const commitment = await commitmentOf(claim, index, signal);
      if (commitment === undefined) {
        // A point that is none has no blob, and all of the claim may depend on it.
        for (const entry of claim.entries()) found.wrong.add(claim, entry.index);
        return found.fault();
      }
      const key = toHex(id) + toHex(commitment);
      const pair = pairs.get(key) ?? found.pair(id, commitment, claim);
      pairs.set(key, pair);
      pair.at.push({ claim, index });
      if (pairs.size < BATCH) continue;
      await found.check([...pairs.values()], signal);
      const fault = found.fault();
      if (fault !== undefined) return fault;
      pairs = new Map();
    }
  }
  if (pairs.size > 0) await found.check([...pairs.values()], signal);
  return found.fault();
}

/** Undefined when the points it depends on are none. With `derive` it rests on nobody else's word. */
async function commitmentOf(
  { loaded }: Claim,
  index: number,
  signal: AbortSignal,
  derive?: ParityCommitment,
): Promise<Uint8Array | undefined> {
  try {
    if (derive !== undefined) await loaded.makeSure([index], derive, signal);
    return await loaded.commitment(index, signal);
  } catch (error) {
    if (isNoPoint(error)) return undefined;
    throw error;
  }
}

class Findings {
  readonly wrong = new ShardSet();
  readonly #lost = new ShardSet();
  readonly #deps: CheckDeps;
  /** Ids that could not be read. */
  readonly #unreadable = new Set<string>();
  #failure: { readonly error: unknown } | undefined;

  constructor(deps: CheckDeps) {
    this.#deps = deps;
  }

  pair(id: Uint8Array, commitment: Uint8Array, { loaded }: Claim): Pair {
    const encrypted = loaded.root.cipher !== 'none';
    return { id, commitment, at: [], load: (signal) => this.#load(id, encrypted, signal) };
  }

  async check(pairs: readonly Pair[], signal: AbortSignal): Promise<void> {
    const bad = await this.#bad(pairs, signal);
    const doubted: Pair[] = [];
    for (const pair of bad) doubted.push(...(await this.#derivedAnew(pair, signal)));
    for (const { at, id } of doubted.length === 0 ? [] : await this.#bad(doubted, signal)) this.#add(at, id);
  }

  /** A pair of other commitments, where those of `pair` were derived wrongly here; what remains of it is bad. */
  async #derivedAnew({ id, commitment, at, load }: Pair, signal: AbortSignal): Promise<Pair[]> {
    const doubted: Pair[] = [];
    // An uploader is not refused on the word of a fast kernel: the library derives parity, and has the last word.
    const derive = sureParity(this.#deps.engine);
    for (const each of at) {
      const unread = this.#unreadable.has(toHex(id));
      const sure = unread ? commitment : await commitmentOf(each.claim, each.index, signal, derive);
      if (sure === undefined || equalBytes(sure, commitment)) this.#add([each], id);
      else doubted.push({ id, commitment: sure, at: [each], load });
    }
    return doubted;
  }

  #add(at: Pair['at'], id: Uint8Array): void {
    const set = this.#unreadable.has(toHex(id)) ? this.#lost : this.wrong;
    for (const { claim, index } of at) set.add(claim, index);
  }

  async #bad(pairs: readonly Pair[], signal: AbortSignal): Promise<Pair[]> {
    const bad = await this.#deps.engine.batchCheck(pairs, signal);
    // The check takes whatever it cannot read for bad; that our disk failed says nothing about the uploader.
    if (this.#failure !== undefined) throw this.#failure.error;
    return bad.map((i) => pairs[i] as Pair);
  }

  fault(): ShardFault | undefined {
    if (this.wrong.indices.size > 0) {
      const message = 'some shards do not fit the manifest';
      return { status: 'invalid-request', code: 'commitment-mismatch', message, shards: this.wrong.indices };
    }
    if (this.#lost.indices.size === 0) return undefined;
    const message = 'some shards were damaged here: stage them again';
    return { status: 'not-held', code: 'damaged', message, shards: this.#lost.indices };
  }

  async #load(id: Uint8Array, encrypted: boolean, signal?: AbortSignal): Promise<Uint8Array> {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#deps.shards.get(id, signal);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'damaged') {
        this.#failure ??= { error };
        throw error;
      }
      this.#deps.onDamaged(id);
    }
    if (bytes === undefined) {
      this.#unreadable.add(toHex(id));
      throw new StoreError({ code: 'damaged', id });
    }
    // Constant blobs cost nothing to keep and cannot occur in encrypted content (protocol v1 §4.7).
    if (encrypted && isConstantShard(bytes)) throw new ConstantShard();
    return bytes;
  }
}

class ConstantShard extends Error {}

class ShardSet {
  readonly indices = new Map<Claim, number[]>();

  add(claim: Claim, index: number): void {
    const known = this.indices.get(claim);
    if (known === undefined) this.indices.set(claim, [index]);
    else known.push(index);
  }
}

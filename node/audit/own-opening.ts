import { CodedError } from '../../protocol/errors.ts';
import { type CheckedOperations, type KzgEngine, KzgError, type Opening } from '../kzg/engine.ts';
import type { Logger } from '../log.ts';
import { type ShardSource, sumShards } from './shard-sum.ts';

export interface OpenerDeps extends ShardSource {
  readonly engine: CheckedOperations & Pick<KzgEngine, 'checkOpening' | 'checked' | 'verify'>;
  /** False only for a node that is to lie, in a lab: it signs whatever comes out. */
  readonly checksOwn: boolean;
  readonly log: Pick<Logger, 'error'>;
}

/** What is to be opened: Σ coefficients[i] · shard of ids[i] at z, and the commitments of these shards. */
export interface Wanted {
  readonly ids: readonly Uint8Array[];
  readonly coefficients: readonly bigint[];
  readonly commitments: readonly Uint8Array[];
  readonly z: Uint8Array;
}

/** The bytes kept here are the right ones by their hashes, and yet no opening of them fits their commitments. */
export class OwnDataWrong extends CodedError<{ readonly code: 'own-data-wrong' }> {}

type Check = KzgEngine['checkOpening'];

/**
 * Opens what this node is about to sign, and checks it first: a kernel that computes wrong would have an honest holder sign
 * evidence against itself. What does not fit is done again, from the shards on, under the eyes of the library, which finds
 * the kernel that erred.
 */
export class Opener {
  readonly #deps: OpenerDeps;

  constructor(deps: OpenerDeps) {
    this.#deps = deps;
  }

  /**
   * @param lost hex ids; gets all that turn out to be lost, and then there is no opening.
   * @param onReadAgain told before the shards are read a second time.
   * @throws OwnDataWrong | KzgError; the signal's reason.
   */
  async open(
    wanted: Wanted,
    lost: Set<string>,
    signal: AbortSignal,
    onReadAgain: () => void = () => undefined,
  ): Promise<Opening | undefined> {
    const { engine, log } = this.#deps;
    const check: Check = (...args) => engine.checkOpening(...args);
    const first = await this.#attempt(engine, check, wanted, lost, signal);
    if (typeof first !== 'string') return first;
    log.error('a proof came out wrong and is made again', { reason: first, shards: wanted.ids.length });
    onReadAgain();
    const verify: Check = (commitment, z, { y, proof }, signal) => engine.verify(commitment, z, y, proof, signal);
    const second = await this.#attempt(engine.checked(), verify, wanted, lost, signal);
    if (typeof second !== 'string') return second;
    log.error('a proof of shards kept here is wrong although their hashes are right; it is not signed', {
      reason: second,
      shards: wanted.ids.length,
    });
    throw new OwnDataWrong({ code: 'own-data-wrong' }, 'the shards do not fit their commitments');
  }

  /** Commitments are combined while the shards are read. A string says what is wrong. */
  async #attempt(
    engine: CheckedOperations,
    check: Check,
    { ids, coefficients, commitments, z }: Wanted,
    lost: Set<string>,
    signal: AbortSignal,
  ): Promise<Opening | string | undefined> {
    const { checksOwn } = this.#deps;
    const combining = checksOwn ? engine.combineCommitments(coefficients, commitments, signal) : undefined;
    combining?.catch(() => undefined);
    try {
      const blob = await sumShards(this.#deps, engine.accumulator(), ids, coefficients, lost, signal);
      if (blob === undefined) return undefined;
      const opening = await engine.open(blob, z, signal);
      if (combining === undefined) return opening;
      return (await check(await combining, z, opening, signal)) ? opening : 'the opening does not fit the commitments';
    } catch (error) {
      signal.throwIfAborted();
      if (isWrongResult(error)) return error.message;
      throw error;
    }
  }
}

/** Not a matter of load or of stopping: somebody computed, or kept, something wrong. */
function isWrongResult(error: unknown): error is KzgError {
  return (
    error instanceof KzgError &&
    (error.code === 'backend-failed' || error.code === 'non-canonical-element' || error.code === 'invalid-commitment')
  );
}

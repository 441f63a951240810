import { CodedError } from '../../protocol/errors.ts';
import { type KzgEngine, KzgError, type Opening } from '../kzg/engine.ts';
import type { Logger } from '../log.ts';
import { type ShardSource, sumShards } from './shard-sum.ts';

type Proving = Pick<KzgEngine, 'accumulator' | 'open' | 'combineCommitments'>;

export interface OpenerDeps extends ShardSource {
  readonly engine: Proving &
    Pick<KzgEngine, 'checkOpening'> & { readonly audited: Proving & Pick<KzgEngine, 'verify'> };
  /** False only for a node that is to lie, in a lab: it signs whatever comes out. */
  readonly checksOwn: boolean;
  readonly log: Pick<Logger, 'error'>;
}

/** Unlike a failure, which the engine sees itself and drops the kernel for. */
const MISFIT = 'the opening does not fit the commitments';

/** What is to be opened: Σ coefficients[i] · shard of ids[i] at z, and the commitments of these shards. */
export interface Wanted {
  readonly ids: readonly Uint8Array[];
  readonly coefficients: readonly bigint[];
  readonly commitments: readonly Uint8Array[];
  readonly z: Uint8Array;
}

/** The bytes kept here are the right ones by their hashes, and yet no opening of them fits their commitments. */
export class OwnDataWrong extends CodedError<{ readonly code: 'own-data-wrong' }> {}

type Check = (commitment: Uint8Array, z: Uint8Array, opening: Opening, signal: AbortSignal) => Promise<boolean>;

/**
 * Opens what this node is about to sign, and checks it first: a kernel that computes wrong would have an honest holder sign
 * evidence against itself. What does not fit is computed again by the audited library alone, from the shards on.
 */
export class Opener {
  readonly #deps: OpenerDeps;
  /** A kernel has computed wrong: its results are not worth the time any more. */
  #distrusted = false;

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
    const { audited } = engine;
    let wrong: string | undefined;
    if (!this.#distrusted) {
      const check: Check = (...args) => engine.checkOpening(...args);
      const first = await this.#attempt(engine, check, wanted, lost, signal);
      if (typeof first !== 'string') return first;
      wrong = first;
      onReadAgain();
    }
    const verify: Check = (commitment, z, { y, proof }, signal) => audited.verify(commitment, z, y, proof, signal);
    const second = await this.#attempt(audited, verify, wanted, lost, signal);
    if (typeof second === 'string') {
      log.error('a proof of shards kept here is wrong although their hashes are right; it is not signed', {
        reason: second,
        shards: wanted.ids.length,
      });
      throw new OwnDataWrong({ code: 'own-data-wrong' }, 'the shards do not fit their commitments');
    }
    if (wrong === MISFIT && second !== undefined) {
      this.#distrusted = true;
      log.error('a kernel proved wrong; proofs are computed by the library from now on', { reason: wrong });
    }
    return second;
  }

  /** Commitments are combined while the shards are read. A string says what is wrong. */
  async #attempt(
    engine: Proving,
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
      return (await check(await combining, z, opening, signal)) ? opening : MISFIT;
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

import { concat, equalBytes } from '../../protocol/bytes.ts';
import { FIELD_ELEMENT_BYTES } from '../../protocol/constants.ts';
import type { Clock } from '../clock.ts';
import { isNoPoint, type Opening } from '../kzg/engine.ts';
import type { RandomBytes } from '../random.ts';
import { ClaimWindows, type StripeClaims } from './claim-windows.ts';
import type { CommitmentPlan } from './commitment-plan.ts';
import type { Limiter } from './limiter.ts';
import type { ClaimEvidence, Committer, EvidenceBook } from './ports.ts';
import type { ClaimedCommitment } from './stage-lane.ts';
import { TransferError } from './transfer-error.ts';

export interface CommitmentsOptions {
  readonly committer: Committer;
  readonly plan: CommitmentPlan;
  /** Bounds the jobs waiting in the engine, over all uploads. */
  readonly commits: Limiter;
  readonly evidence: EvidenceBook;
  /** Told once of each holder that lied, before the evidence is kept: what follows from that must not come first. */
  readonly onLiar: (peer: string, evidence: ClaimEvidence) => void;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Stripes that fit into memory, and claims in a full one. */
  readonly stripes: number;
  readonly claimsPerStripe: number;
  readonly signal: AbortSignal;
}

/** A shard in memory. */
interface ShardInHand {
  readonly id: Uint8Array;
  readonly blob: Uint8Array;
}

/** Where the commitments of one upload come from: made here, or claimed by holders and checked here (protocol v1 §4.2–3). */
export class Commitments {
  readonly #options: CommitmentsOptions;
  readonly #windows: ClaimWindows;
  /** Once per holder; the evidence of one lie is enough. */
  readonly #accusations = new Map<string, Promise<void>>();
  /** Commitments taken from holders. */
  claimed = 0;

  constructor(options: CommitmentsOptions) {
    this.#options = options;
    const { committer, commits, stripes, claimsPerStripe, signal } = options;
    this.#windows = new ClaimWindows({
      batchCheck: (pairs) => commits.run(() => committer.batchCheck(pairs, signal), signal),
      stripes,
      claimsPerStripe,
      signal,
    });
  }

  /** A stripe came into memory. It must `leave`, whatever happens. */
  enter(): StripeClaims {
    return this.#windows.enter();
  }

  /** No more stripes will enter. */
  end(): void {
    this.#windows.end();
  }

  /** Made here. */
  make(blobs: readonly Uint8Array[]): Promise<Uint8Array[]> {
    return Promise.all(blobs.map((blob) => this.#commit(blob)));
  }

  /**
   * The commitments of `blobs`: those claimed, once they were checked, the right ones where a claim was wrong or is
   * missing. `liars` are the positions whose holders signed a wrong one.
   */
  async settle(
    stripe: StripeClaims,
    blobs: ReadonlyMap<number, ShardInHand>,
    claims: ReadonlyMap<number, ClaimedCommitment>,
  ): Promise<{ readonly commitments: ReadonlyMap<number, Uint8Array>; readonly liars: ReadonlySet<number> }> {
    const commitments = new Map<number, Uint8Array>();
    const liars = new Set<number>();
    const own = Promise.all(
      [...blobs].map(async ([position, { blob }]) => {
        if (!claims.has(position)) commitments.set(position, await this.#commit(blob));
      }),
    );
    own.catch(() => {});
    const positions = [...claims.keys()].filter((position) => blobs.has(position));
    const pairs = positions.map((position) => {
      const { blob } = blobs.get(position) as ShardInHand;
      const { commitment } = claims.get(position) as ClaimedCommitment;
      return { commitment, load: async () => blob };
    });
    const bad = await stripe.check(pairs, async (found) => {
      for (const i of found) {
        const position = positions[i] as number;
        const claimed = claims.get(position) as ClaimedCommitment;
        const right = await this.#convict(blobs.get(position) as ShardInHand, claimed);
        commitments.set(position, right);
        if (!equalBytes(right, claimed.commitment)) liars.add(position);
      }
    });
    for (const [i, position] of positions.entries()) {
      if (bad.has(i)) continue;
      commitments.set(position, (claims.get(position) as ClaimedCommitment).commitment);
      this.claimed++;
    }
    await own;
    return { commitments, liars };
  }

  #commit(blob: Uint8Array): Promise<Uint8Array> {
    const { committer, commits, plan, signal } = this.#options;
    return commits.run(() => plan.commits.measure(1, () => committer.commit(blob, signal)), signal);
  }

  /** The right commitment of a shard that the check found wrong; evidence of the lie is durable on return. */
  async #convict(shard: ShardInHand, claimed: ClaimedCommitment): Promise<Uint8Array> {
    const made = await this.#commit(shard.blob);
    if (equalBytes(made, claimed.commitment)) return made;
    const right = await this.#confirmed(shard.blob, made);
    if (equalBytes(right, claimed.commitment)) return right;
    const { peer } = claimed;
    const accusation = this.#accusations.get(peer) ?? this.#accuse(shard.id, right, claimed);
    this.#accusations.set(peer, accusation);
    await accusation;
    return right;
  }

  /**
   * What our own fast code says is not enough to accuse anybody: the library must confirm that the commitment made here
   * fits the shard, by an opening at a random point. If not, the library makes both, and drops the kernel that erred.
   */
  async #confirmed(blob: Uint8Array, made: Uint8Array): Promise<Uint8Array> {
    const { committer, random, signal } = this.#options;
    // One zero byte in front keeps the point below the modulus.
    const z = concat(new Uint8Array(1), random(FIELD_ELEMENT_BYTES - 1));
    if (await this.#opens(made, z, await committer.open(blob, z, signal))) return made;
    const library = committer.checked();
    const right = await library.commit(blob, signal);
    if (await this.#opens(right, z, await library.open(blob, z, signal))) return right;
    const message = 'the engine of this node contradicts itself: see `holdfast doctor`, then add the file again';
    throw new TransferError({ code: 'engine-inconsistent' }, message);
  }

  /** A commitment of ours that is no point is as wrong as one that does not fit. */
  async #opens(commitment: Uint8Array, z: Uint8Array, { y, proof }: Opening): Promise<boolean> {
    const { committer, signal } = this.#options;
    try {
      return await committer.verify(commitment, z, y, proof, signal);
    } catch (error) {
      if (isNoPoint(error)) return false;
      throw error;
    }
  }

  async #accuse(id: Uint8Array, right: Uint8Array, { peer, claim }: ClaimedCommitment): Promise<void> {
    const { clock, evidence, onLiar } = this.#options;
    const found = { claim, id, right, at: clock.now() };
    onLiar(peer, found);
    await evidence.put(found);
  }
}

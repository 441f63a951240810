import type { CID } from 'multiformats/cid';
import { encodeAuditRefusal, signAuditRefusal, type UnsignedAuditRefusal } from '../../protocol/audit-refusal.ts';
import { checkAuditSet, type OpenedAuditRequest, openAuditRequest } from '../../protocol/audit-request.ts';
import { bitmapOf } from '../../protocol/bitmap.ts';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { type Challenge, decodeChallenge } from '../../protocol/challenge.ts';
import { FIELD_ELEMENT_BYTES, PROOF_BYTES } from '../../protocol/constants.ts';
import { CodedError } from '../../protocol/errors.ts';
import type { AuditAnswer, AuditRequest } from '../../protocol/messages/audit.ts';
import { encodeRelease, type Release } from '../../protocol/release.ts';
import { encodeResponse, responseDigest } from '../../protocol/response.ts';
import type { Signer } from '../../protocol/signature.ts';
import { isExpired, type StoreReceipt } from '../../protocol/store-receipt.ts';
import { auditOpening, challengeId } from '../../protocol/transcript.ts';
import type { Clock } from '../clock.ts';
import { type KzgEngine, KzgError, type Opening } from '../kzg/engine.ts';
import type { LoadedSegment } from '../manifest/loaded-segment.ts';
import { SharedWork } from '../shared-work.ts';
import { StoreError } from '../store/errors.ts';
import type { ShardReader } from '../store/shard-types.ts';
import { Turns } from '../turns.ts';
import { WeightedCache } from '../weighted-cache.ts';
import { knownReceipts } from './known-receipts.ts';
import { ProofSet } from './proof-set.ts';

export interface ProverDeps {
  readonly network: Uint8Array;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly engine: Pick<KzgEngine, 'accumulator' | 'open'>;
  readonly shards: ShardReader;
  readonly segments: { load(root: CID, segment: CID): Promise<LoadedSegment | undefined> };
  /** Receipts that this node signed. */
  readonly receipts: { get(root: CID, segment: CID): Promise<StoreReceipt | undefined> };
  readonly releases: { get(root: CID): Promise<Release | undefined> };
  /** Told of a shard whose bytes turned out to be damaged. */
  readonly onDamaged: (id: Uint8Array) => void;
}

export interface ChallengeFault {
  readonly code: 'other-network' | 'not-addressed' | 'not-auditor' | 'stale';
}

/** Why a request is not answered at all; unsigned, since it binds nobody. */
export class ChallengeRefused extends CodedError<ChallengeFault> {}

/** Wall clocks may differ by this much (reliability §2, clock skew). */
const CLOCK_SKEW_MS = 2 * 60_000;
/**
 * Proofs under way at a time: each is one opening on a worker and one pass over the disk. The next challenge beyond
 * those that may wait is answered `busy-until`; no auditor takes up all the places.
 */
const LIMITS = { running: 2, waiting: 16, waitingPerKey: 3 };
const BUSY_MS = 5_000;
/** Answers kept, so that the same challenge costs one proof: 1 KiB each as a rule, up to 1 MiB after a great loss. */
const ANSWERS_BYTES = 2 * 1024 * 1024;
const ANSWER_BYTES = 512;
/** Sums tried: one with each kernel that may turn out wrong, and the last with the library. */
const SUMS = 3;
/** Reads under way per proof. */
const READ_AHEAD = 4;

/** Answers challenges about the shards this node signed for (protocol v1 §5). */
export class Prover {
  readonly #deps: ProverDeps;
  readonly #turns = new Turns(LIMITS);
  readonly #answers = new WeightedCache<AuditAnswer>(ANSWERS_BYTES);
  readonly #running = new Map<string, SharedWork<AuditAnswer>>();

  constructor(deps: ProverDeps) {
    this.#deps = deps;
  }

  /**
   * @param auditor public key of the peer that asks.
   * @throws ChallengeRefused | AuditError | StructureError for a question this node does not answer; the signal's reason.
   */
  async answer(request: AuditRequest, auditor: Uint8Array, signal: AbortSignal): Promise<AuditAnswer> {
    const challenge = decodeChallenge(request.challenge);
    this.#checkAddress(challenge, auditor);
    const key = toHex(challengeId(request.challenge));
    const answered = this.#answers.get(key);
    if (answered !== undefined) return answered;
    const running = this.#running.get(key);
    if (running !== undefined) return running.join(signal);
    const forget = () => {
      if (this.#running.get(key) === work) this.#running.delete(key);
    };
    const work = new SharedWork(async (shared) => {
      try {
        return await this.#take(request, key, toHex(auditor), shared);
      } finally {
        forget();
      }
    }, forget);
    this.#running.set(key, work);
    return work.join(signal);
  }

  #checkAddress(challenge: Challenge, auditor: Uint8Array): void {
    const { network, signer, clock } = this.#deps;
    if (!equalBytes(challenge.network, network))
      throw new ChallengeRefused({ code: 'other-network' }, 'the challenge is of another network');
    if (!equalBytes(challenge.prover, signer.publicKey)) {
      throw new ChallengeRefused({ code: 'not-addressed' }, 'the challenge is addressed to another node');
    }
    if (!equalBytes(challenge.auditor, auditor))
      throw new ChallengeRefused({ code: 'not-auditor' }, 'the challenge is of another auditor');
    const age = clock.now() - challenge.issuedAt;
    if (age < -CLOCK_SKEW_MS || age > challenge.deadlineMs + CLOCK_SKEW_MS) {
      throw new ChallengeRefused({ code: 'stale' }, 'the challenge is too old or from the future: check the clocks');
    }
  }

  async #take(request: AuditRequest, key: string, auditor: string, signal: AbortSignal): Promise<AuditAnswer> {
    const endTurn = await this.#turns.take(auditor, signal);
    if (endTurn === undefined) {
      return this.#refuse(request, { reason: 'busy-until', until: this.#deps.clock.now() + BUSY_MS });
    }
    try {
      const answer = await this.#prove(request, signal);
      this.#answers.set(key, answer, answerBytes(answer));
      return answer;
    } finally {
      endTurn();
    }
  }

  async #prove(request: AuditRequest, signal: AbortSignal): Promise<AuditAnswer> {
    const isKnown = await knownReceipts(request.set, this.#deps.receipts, signal);
    const opened = openAuditRequest(request, isKnown);
    const excuse = await this.#excuse(opened);
    if (excuse !== undefined) return this.#refuse(request, excuse);
    const answer = await this.#answerFor(request, opened, signal);
    // What a release took away meanwhile is not lost.
    const late = admitsLoss(answer) ? await this.#excuse(opened) : undefined;
    return late === undefined ? answer : this.#refuse(request, late);
  }

  async #answerFor(request: AuditRequest, opened: OpenedAuditRequest, signal: AbortSignal): Promise<AuditAnswer> {
    const set = await ProofSet.load(opened.parts, this.#deps.segments, signal);
    if ('unknown' in set) return this.#refuse(request, { reason: 'not-held', entries: bitmapOf(set.unknown) });
    const commitments = set.items.map(({ commitment }) => commitment);
    checkAuditSet(opened.challenge, set.items, commitments);
    return this.#open(request.challenge, set, signal);
  }

  /** A signed reason to prove nothing: the owner released the object, or the promise has expired. */
  async #excuse({ parts, receipts }: OpenedAuditRequest): Promise<Excuse | undefined> {
    const now = this.#deps.clock.now();
    const roots = new Map(parts.map(({ root }) => [root.toString(), root]));
    for (const root of roots.values()) {
      const release = await this.#deps.releases.get(root);
      if (release === undefined) continue;
      const entries = parts.flatMap((part, entry) => (part.root.equals(root) ? [entry] : []));
      return { reason: 'released', entries: bitmapOf(entries), release: encodeRelease(release) };
    }
    const expired = receipts.flatMap((receipt, entry) => (isExpired(receipt, now) ? [entry] : []));
    return expired.length === 0 ? undefined : { reason: 'expired', entries: bitmapOf(expired) };
  }

  /** Passes over the shards until one pass finds no further loss, then opens the combination of what is there. */
  async #open(challenge: Uint8Array, set: ProofSet, signal: AbortSignal): Promise<AuditAnswer> {
    const { engine, clock, signer } = this.#deps;
    const ids = set.items.map(({ id }) => id);
    const lost = new Set<string>();
    for (;;) {
      const missing = ids.filter((id) => lost.has(toHex(id)));
      const all = missing.length === ids.length;
      let opening: Opening = { y: new Uint8Array(FIELD_ELEMENT_BYTES), proof: new Uint8Array(PROOF_BYTES) };
      if (!all) {
        const { positions, coefficients, z } = auditOpening(challenge, ids, missing);
        const blob = await this.#soundSum(
          positions.map((i) => ids[i] as Uint8Array),
          coefficients,
          lost,
          signal,
        );
        if (blob === undefined) continue;
        opening = await engine.open(blob, z, signal);
      }
      const response = encodeResponse({
        challengeId: challengeId(challenge),
        status: missing.length === 0 ? 0 : 1,
        ...opening,
        sentAt: clock.now(),
      });
      return {
        response,
        missing: missing.length === 0 ? [] : set.missing(lost),
        sig: signer.sign(responseDigest(response, missing)),
      };
    }
  }

  /** `#combine`, again when the kernel that summed was found wrong: the next sum is made by another one. */
  async #soundSum(
    ids: readonly Uint8Array[],
    coefficients: readonly bigint[],
    lost: Set<string>,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    for (let sums = 1; ; sums++) {
      try {
        return await this.#combine(ids, coefficients, lost, signal);
      } catch (error) {
        if (!(error instanceof KzgError) || error.code !== 'backend-failed' || sums === SUMS) throw error;
      }
    }
  }

  /** Σ ρᵢ·fᵢ in constant memory; undefined when a shard turned out to be lost, after `lost` has all of them. */
  async #combine(
    ids: readonly Uint8Array[],
    coefficients: readonly bigint[],
    lost: Set<string>,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const sum = this.#deps.engine.accumulator();
    let complete = true;
    const ahead: Promise<Uint8Array | undefined>[] = [];
    let next = 0;
    try {
      for (const [i, id] of ids.entries()) {
        while (next < ids.length && ahead.length < READ_AHEAD) {
          const read = this.#read(ids[next++] as Uint8Array, signal);
          // Awaited in order below; until then a rejection must not count as unhandled.
          read.catch(() => undefined);
          ahead.push(read);
        }
        const blob = await (ahead.shift() as Promise<Uint8Array | undefined>);
        if (blob === undefined) {
          lost.add(toHex(id));
          complete = false;
        } else if (complete) {
          sum.add(coefficients[i] as bigint, blob);
        }
      }
    } finally {
      await Promise.allSettled(ahead);
    }
    return complete ? sum.finish() : undefined;
  }

  async #read(id: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
    signal.throwIfAborted();
    try {
      return await this.#deps.shards.get(id, signal);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'damaged') throw error;
      this.#deps.onDamaged(id);
      return undefined;
    }
  }

  #refuse(request: AuditRequest, excuse: Excuse): AuditAnswer {
    const { signer, clock } = this.#deps;
    const unsigned: UnsignedAuditRefusal = {
      challengeId: challengeId(request.challenge),
      prover: signer.publicKey,
      sentAt: clock.now(),
      ...excuse,
    };
    return { refusal: encodeAuditRefusal(signAuditRefusal(unsigned, signer)) };
  }
}

function admitsLoss(answer: AuditAnswer): boolean {
  return 'refusal' in answer || answer.missing.length > 0;
}

function answerBytes(answer: AuditAnswer): number {
  if ('refusal' in answer) return ANSWER_BYTES + answer.refusal.length;
  return answer.missing.reduce((sum, bitmap) => sum + bitmap.length + ANSWER_BYTES / 4, ANSWER_BYTES);
}

type Excuse = Pick<UnsignedAuditRefusal, 'reason' | 'entries' | 'release' | 'until'>;

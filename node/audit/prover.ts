import type { CID } from 'multiformats/cid';
import { encodeAuditRefusal, signAuditRefusal, type UnsignedAuditRefusal } from '../../protocol/audit-refusal.ts';
import { checkAuditSet, type OpenedAuditRequest, openAuditRequest } from '../../protocol/audit-request.ts';
import { missingBitmaps } from '../../protocol/audit-set.ts';
import { bitmapIndices, bitmapOf } from '../../protocol/bitmap.ts';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { type Challenge, decodeChallenge } from '../../protocol/challenge.ts';
import { FIELD_ELEMENT_BYTES, PROOF_BYTES } from '../../protocol/constants.ts';
import { CodedError } from '../../protocol/errors.ts';
import type { AuditAnswer, AuditRequest } from '../../protocol/messages/audit.ts';
import { encodeRelease, type Release } from '../../protocol/release.ts';
import { encodeResponse, responseDigest } from '../../protocol/response.ts';
import type { Signer } from '../../protocol/signature.ts';
import { isExpired } from '../../protocol/store-receipt.ts';
import { auditOpening, challengeId } from '../../protocol/transcript.ts';
import type { Clock } from '../clock.ts';
import type { KzgEngine, Opening } from '../kzg/engine.ts';
import type { LoadedSegment } from '../manifest/loaded-segment.ts';
import { StoreError } from '../store/errors.ts';
import type { ShardReader } from '../store/shard-types.ts';
import { Selection } from './selection.ts';

export interface ProverDeps {
  readonly network: Uint8Array;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly engine: Pick<KzgEngine, 'accumulator' | 'open'>;
  readonly shards: ShardReader;
  readonly segments: { load(root: CID, segment: CID): Promise<LoadedSegment | undefined> };
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
/** Proofs under way at a time: each is one opening on a worker and one pass over the disk. */
const MAX_PROOFS = 2;
/** Challenges that may wait; the next one is answered `busy-until`. */
const MAX_WAITING = 16;
const BUSY_MS = 5_000;
/** Answers kept, so that the same challenge costs one proof. About 1 KiB each. */
const MAX_CACHED = 256;
/** Reads under way per proof. */
const READ_AHEAD = 4;

/** Answers challenges about the shards this node signed for (protocol v1 §5). */
export class Prover {
  readonly #deps: ProverDeps;
  readonly #answers = new Map<string, Promise<AuditAnswer>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

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
    const cached = this.#answers.get(key);
    if (cached !== undefined) return cached;
    const opened = openAuditRequest(request);
    if (this.#running >= MAX_PROOFS && this.#waiting.length >= MAX_WAITING) {
      return this.#refuse(request, { reason: 'busy-until', until: this.#deps.clock.now() + BUSY_MS });
    }
    const answer = this.#prove(request, opened, signal);
    this.#cache(key, answer);
    return answer;
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

  #cache(key: string, answer: Promise<AuditAnswer>): void {
    this.#answers.set(key, answer);
    const oldest = this.#answers.keys().next().value;
    if (this.#answers.size > MAX_CACHED && oldest !== undefined) this.#answers.delete(oldest);
    // A failure is no answer: the same challenge may be asked again.
    answer.catch(() => this.#answers.delete(key));
  }

  async #prove(request: AuditRequest, opened: OpenedAuditRequest, signal: AbortSignal): Promise<AuditAnswer> {
    await this.#takeTurn(signal);
    try {
      const excuse = await this.#excuse(opened);
      if (excuse !== undefined) return this.#refuse(request, excuse);
      const loaded = await Promise.all(
        opened.parts.map(({ root, segment }) => this.#deps.segments.load(root, segment)),
      );
      const unknown = loaded.flatMap((segment, entry) => (segment === undefined ? [entry] : []));
      if (unknown.length > 0) return this.#refuse(request, { reason: 'not-held', entries: bitmapOf(unknown) });
      const parts = opened.parts.map(({ indices }, entry) => ({
        receipt: opened.receipts[entry] as (typeof opened.receipts)[number],
        segment: loaded[entry] as LoadedSegment,
        indices: bitmapIndices(indices),
      }));
      const selection = new Selection(parts);
      checkAuditSet(opened.challenge, selection.items, await selection.commitments(signal));
      return await this.#open(request.challenge, selection, signal);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #takeTurn(signal: AbortSignal): Promise<void> {
    while (this.#running >= MAX_PROOFS) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    // Also when aborted: the caller gives the turn back.
    this.#running++;
    if (signal.aborted) {
      this.#running--;
      this.#waiting.shift()?.();
      signal.throwIfAborted();
    }
  }

  /** A signed reason to prove nothing: the owner released the object, or the promise has expired. */
  async #excuse({ parts, receipts }: OpenedAuditRequest): Promise<Excuse | undefined> {
    const now = this.#deps.clock.now();
    for (const { root } of parts) {
      const release = await this.#deps.releases.get(root);
      if (release === undefined) continue;
      const entries = parts.flatMap((part, entry) => (part.root.equals(root) ? [entry] : []));
      return { reason: 'released', entries: bitmapOf(entries), release: encodeRelease(release) };
    }
    const expired = receipts.flatMap((receipt, entry) => (isExpired(receipt, now) ? [entry] : []));
    return expired.length === 0 ? undefined : { reason: 'expired', entries: bitmapOf(expired) };
  }

  /** Passes over the shards until one pass finds no further loss, then opens the combination of what is there. */
  async #open(challenge: Uint8Array, selection: Selection, signal: AbortSignal): Promise<AuditAnswer> {
    const { engine, clock, signer } = this.#deps;
    const ids = selection.ids;
    const lost = new Set<string>();
    for (;;) {
      const missing = ids.filter((id) => lost.has(toHex(id)));
      const all = missing.length === ids.length;
      let opening: Opening = { y: new Uint8Array(FIELD_ELEMENT_BYTES), proof: new Uint8Array(PROOF_BYTES) };
      if (!all) {
        const { positions, coefficients, z } = auditOpening(challenge, ids, missing);
        const blob = await this.#combine(
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
      const { auditedParts, lookup } = selection;
      return {
        response,
        missing: missing.length === 0 ? [] : missingBitmaps(auditedParts, lookup, (id) => lost.has(toHex(id))),
        sig: signer.sign(responseDigest(response, missing)),
      };
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

type Excuse = Pick<UnsignedAuditRefusal, 'reason' | 'entries' | 'release' | 'until'>;

import type { CID } from 'multiformats/cid';
import { AuditError } from '../../protocol/audit-error.ts';
import { encodeAuditRefusal, signAuditRefusal, type UnsignedAuditRefusal } from '../../protocol/audit-refusal.ts';
import { checkAuditSet, type OpenedAuditRequest, openAuditSet, openChallenge } from '../../protocol/audit-request.ts';
import { type AuditedPart, entriesDigest } from '../../protocol/audit-set.ts';
import { bitmapIndices, bitmapOf } from '../../protocol/bitmap.ts';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { type Challenge, decodeChallenge } from '../../protocol/challenge.ts';
import { FIELD_ELEMENT_BYTES, PROOF_BYTES, SHARD_BYTES } from '../../protocol/constants.ts';
import { CodedError } from '../../protocol/errors.ts';
import type { AuditAnswer, AuditRequest } from '../../protocol/messages/audit.ts';
import { encodeRelease, type Release } from '../../protocol/release.ts';
import { encodeResponse, responseDigest } from '../../protocol/response.ts';
import type { Signer } from '../../protocol/signature.ts';
import { isExpired, type StoreReceipt } from '../../protocol/store-receipt.ts';
import { auditOpening, challengeId } from '../../protocol/transcript.ts';
import type { Clock } from '../clock.ts';
import type { Opening } from '../kzg/engine.ts';
import type { LoadedSegment } from '../manifest/loaded-segment.ts';
import { SharedWork } from '../shared-work.ts';
import { Turns } from '../turns.ts';
import { WeightedCache } from '../weighted-cache.ts';
import { BusyTime } from './busy-time.ts';
import { checkAddress, checkSize } from './challenge-checks.ts';
import { knownReceipts } from './known-receipts.ts';
import { Opener, type OpenerDeps } from './own-opening.ts';
import { claimsToOwn, isOfOwner } from './ownership.ts';
import { ProofSet } from './proof-set.ts';
import { type Payer, ProveBudget, type ProveLimits } from './prove-budget.ts';
import { ProverCounters, type ProverStats } from './prover-counters.ts';
import { sureParity } from './sure-commitments.ts';

export interface ProverDeps extends OpenerDeps {
  readonly network: Uint8Array;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly limits: ProveLimits;
  readonly segments: { load(root: CID, segment: CID): Promise<LoadedSegment | undefined> };
  /** Receipts that this node signed. */
  readonly receipts: { get(root: CID, segment: CID): Promise<StoreReceipt | undefined> };
  readonly releases: { get(root: CID): Promise<Release | undefined> };
}

/**
 * Proofs under way at a time: each is one opening on a worker and one pass over the disk. The next challenge beyond
 * those that may wait, or that would be late, is answered `busy-until`; no auditor takes up all the places. The largest
 * set takes 8 to 40 s, the deadline of one shard is 2 s: large sets take turns with each other alone.
 */
const TURNS = { running: 2, large: 1, waiting: 16, waitingPerKey: 3 };
/** Answers kept, so that the same challenge costs one proof: 1 KiB each as a rule, up to 1 MiB after a great loss. */
const ANSWERS_BYTES = 2 * 1024 * 1024;
const ANSWER_BYTES = 512;

/** One challenge on its way. */
interface Asked {
  readonly request: AuditRequest;
  /** As it says itself: `owns` is verified with the receipts. */
  readonly payer: Payer;
  /** Of the shards that the challenge counts. */
  readonly bytes: number;
  /** From the question to the answer, as the auditor said it. */
  readonly deadlineMs: number;
}

/**
 * Answers challenges about the shards this node signed for (protocol v1 §5). What costs least is checked first: sizes and
 * address, the cache, the budget, the signature, the receipts, and only then the shards.
 */
export class Prover {
  readonly #deps: ProverDeps;
  readonly #opener: Opener;
  readonly #budget: ProveBudget;
  readonly #turns = new Turns(TURNS);
  readonly #busy = new BusyTime(TURNS.running);
  readonly #answers = new WeightedCache<AuditAnswer>(ANSWERS_BYTES);
  readonly #running = new Map<string, SharedWork<AuditAnswer>>();
  readonly #counters = new ProverCounters();

  constructor(deps: ProverDeps) {
    this.#deps = deps;
    this.#opener = new Opener(deps);
    this.#budget = new ProveBudget(deps.limits, deps.clock);
  }

  stats(): ProverStats {
    return this.#counters.stats(this.#turns.running, this.#turns.waiting);
  }

  /** Whether the encoded request is of an auditor that owns what it asks about: for them places are kept. */
  isOfOwner(request: Uint8Array, auditor: Uint8Array): Promise<boolean> {
    return isOfOwner(request, auditor, this.#deps.receipts);
  }

  /**
   * @param auditor public key of the peer that asks.
   * @throws ChallengeRefused | AuditError | StructureError for a question this node does not answer, OwnDataWrong for one
   *   that it cannot; the signal's reason.
   */
  async answer(request: AuditRequest, auditor: Uint8Array, signal: AbortSignal): Promise<AuditAnswer> {
    try {
      return await this.#answer(request, auditor, signal);
    } catch (error) {
      if (!signal.aborted) this.#counters.refused(error instanceof CodedError ? error.code : 'failed');
      throw error;
    }
  }

  async #answer(request: AuditRequest, auditor: Uint8Array, signal: AbortSignal): Promise<AuditAnswer> {
    const { network, signer, clock } = this.#deps;
    const challenge = decodeChallenge(request.challenge);
    checkAddress(challenge, { network, prover: signer.publicKey, auditor, now: clock.now() });
    checkSize(challenge, request.set);
    const key = toHex(challengeId(request.challenge));
    const answered = this.#answers.get(key);
    if (answered !== undefined) {
      this.#counters.repeated++;
      return answered;
    }
    const running = this.#running.get(key);
    if (running !== undefined) return running.join(signal);
    const asked = {
      request,
      payer: { auditor: toHex(auditor), owns: claimsToOwn(request, auditor) },
      bytes: challenge.count * SHARD_BYTES,
      deadlineMs: challenge.deadlineMs,
    };
    const wait = this.#budget.ask(asked.payer, asked.bytes);
    if (wait > 0) return this.#refuseBusy(request, wait);
    const forget = () => {
      if (this.#running.get(key) === work) this.#running.delete(key);
    };
    const work = new SharedWork(async (shared) => {
      try {
        return await this.#take(asked, key, shared);
      } finally {
        forget();
      }
    }, forget);
    this.#running.set(key, work);
    return work.join(signal);
  }

  async #take(asked: Asked, key: string, signal: AbortSignal): Promise<AuditAnswer> {
    const { clock } = this.#deps;
    const { request, payer, bytes, deadlineMs } = asked;
    const comeBack = () => this.#refuseBusy(request, this.#busy.comeBack(bytes, clock.monotonic()));
    const wait = this.#busy.wait(bytes, clock.monotonic());
    // Who has to wait for nobody is tried however slow this node is.
    if (wait > 0 && wait + this.#busy.proof(bytes) > deadlineMs) return comeBack();
    const piece = this.#busy.add(bytes);
    let endTurn: (() => void) | undefined;
    try {
      endTurn = await this.#turns.take(payer.auditor, signal, piece.large);
      if (endTurn === undefined) {
        this.#busy.end(piece, clock.monotonic());
        return comeBack();
      }
      piece.startedAt = clock.monotonic();
      const answer = await this.#prove(asked, signal);
      // Whoever was told to come back gets another answer then.
      if (answer.kept) this.#answers.set(key, answer.answer, answerBytes(answer.answer));
      return answer.answer;
    } finally {
      this.#busy.end(piece, clock.monotonic());
      endTurn?.();
    }
  }

  async #prove(asked: Asked, signal: AbortSignal): Promise<{ readonly answer: AuditAnswer; readonly kept: boolean }> {
    const { request, bytes } = asked;
    const challenge = openChallenge(request);
    const isKnown = await knownReceipts(request.set, this.#deps.receipts, signal);
    const opened = openAuditSet(challenge, request.set, isKnown);
    const excuse = await this.#excuse(opened);
    if (excuse !== undefined) return { answer: this.#refuseParts(request, opened, excuse), kept: true };
    let set = await ProofSet.load(opened.parts, this.#deps.segments, signal);
    if ('unknown' in set) return { answer: await this.#notHeld(request, opened, set.unknown), kept: true };
    const owns = opened.receipts.every(({ owner }) => equalBytes(owner, challenge.auditor));
    const payer = { ...asked.payer, owns };
    const mismatch = mismatchOf(challenge, set);
    if (mismatch !== undefined && (await this.#isSure(opened.parts))) throw mismatch;
    const wait = this.#budget.prove(payer, bytes);
    if (wait > 0) return { answer: this.#refuseBusy(request, wait), kept: false };
    if (mismatch !== undefined) {
      set = await this.#loadSurely(opened.parts, signal);
      if ('unknown' in set) return { answer: await this.#notHeld(request, opened, set.unknown), kept: true };
      const still = mismatchOf(challenge, set);
      if (still !== undefined) throw still;
      this.#deps.log.error('commitments of parity were derived wrongly here; the library derived them again');
    }
    const commitments = set.items.map(({ commitment }) => commitment);
    this.#counters.bytesRead += bytes;
    const answer = await this.#open({ ...asked, payer }, set, commitments, signal);
    // What a release took away meanwhile is not lost.
    const late = answer.missing.length > 0 ? await this.#excuse(opened) : undefined;
    if (late !== undefined) return { answer: this.#refuseParts(request, opened, late), kept: true };
    this.#counters.proofs++;
    if (answer.missing.length > 0) this.#counters.declaredLost++;
    return { answer, kept: true };
  }

  /** Whether none of the commitments rests on the word of a fast kernel. */
  async #isSure(parts: readonly AuditedPart[]): Promise<boolean> {
    for (const { root, segment, indices } of parts) {
      const loaded = await this.#deps.segments.load(root, segment);
      if (loaded?.isSure(bitmapIndices(indices)) === false) return false;
    }
    return true;
  }

  /** With parity derived by the library. */
  #loadSurely(parts: readonly AuditedPart[], signal: AbortSignal): ReturnType<typeof ProofSet.load> {
    const derive = sureParity(this.#deps.engine);
    const load = async (root: CID, segment: CID, indices: readonly number[]) => {
      const loaded = await this.#deps.segments.load(root, segment);
      await loaded?.makeSure(indices, derive, signal);
      return loaded;
    };
    return ProofSet.load(parts, { load }, signal);
  }

  /** Unless a release took the segments away meanwhile. */
  async #notHeld(request: AuditRequest, opened: OpenedAuditRequest, entries: readonly number[]): Promise<AuditAnswer> {
    const late = await this.#excuse(opened);
    return this.#refuseParts(request, opened, late ?? { reason: 'not-held', entries: bitmapOf(entries) });
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
  async #open(
    { request: { challenge }, payer }: Asked,
    set: ProofSet,
    commitments: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<Exclude<AuditAnswer, { readonly refusal: Uint8Array }>> {
    const { clock, signer } = this.#deps;
    const ids = set.items.map(({ id }) => id);
    const lost = new Set<string>();
    for (let pass = 1; ; pass++) {
      const missing = ids.filter((id) => lost.has(toHex(id)));
      const all = missing.length === ids.length;
      let opening: Opening | undefined = { y: new Uint8Array(FIELD_ELEMENT_BYTES), proof: new Uint8Array(PROOF_BYTES) };
      if (!all) {
        const { positions, coefficients, z } = auditOpening(challenge, ids, missing);
        const bytes = positions.length * SHARD_BYTES;
        const readAgain = () => {
          this.#budget.readMore(payer, bytes);
          this.#counters.bytesRead += bytes;
        };
        if (pass > 1) readAgain();
        const wanted = {
          ids: positions.map((i) => ids[i] as Uint8Array),
          commitments: positions.map((i) => commitments[i] as Uint8Array),
          coefficients,
          z,
        };
        opening = await this.#opener.open(wanted, lost, signal, readAgain);
        if (opening === undefined) continue;
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

  #refuseBusy(request: AuditRequest, waitMs: number): AuditAnswer {
    return this.#refuse(request, { reason: 'busy-until', until: this.#deps.clock.now() + Math.ceil(waitMs) });
  }

  /** The positions are those in the list as it was asked. */
  #refuseParts(request: AuditRequest, { parts }: OpenedAuditRequest, excuse: Excuse): AuditAnswer {
    return this.#refuse(request, { ...excuse, asked: entriesDigest(parts) });
  }

  #refuse(request: AuditRequest, excuse: Excuse): AuditAnswer {
    const { signer, clock } = this.#deps;
    this.#counters.refused(excuse.reason);
    const unsigned: UnsignedAuditRefusal = {
      challengeId: challengeId(request.challenge),
      prover: signer.publicKey,
      sentAt: clock.now(),
      ...excuse,
    };
    return { refusal: encodeAuditRefusal(signAuditRefusal(unsigned, signer)) };
  }
}

/** @throws AuditError wrong-count */
function mismatchOf(challenge: Challenge, { items }: ProofSet): AuditError | undefined {
  try {
    checkAuditSet(
      challenge,
      items,
      items.map(({ commitment }) => commitment),
    );
    return undefined;
  } catch (error) {
    if (error instanceof AuditError && error.code === 'wrong-digest') return error;
    throw error;
  }
}

function answerBytes(answer: AuditAnswer): number {
  if ('refusal' in answer) return ANSWER_BYTES + answer.refusal.length;
  return answer.missing.reduce((sum, bitmap) => sum + bitmap.length + ANSWER_BYTES / 4, ANSWER_BYTES);
}

type Excuse = Pick<UnsignedAuditRefusal, 'reason' | 'entries' | 'asked' | 'release' | 'until'>;

import { AuditError } from '../../protocol/audit-error.ts';
import { verifyAuditReceiptStructure } from '../../protocol/audit-receipt.ts';
import { openAuditRequest } from '../../protocol/audit-request.ts';
import { auditItems } from '../../protocol/audit-set.ts';
import { StructureError } from '../../protocol/cbor.ts';
import { lookupOf } from '../audit/selection.ts';
import { sureCommitments } from '../audit/sure-commitments.ts';
import type { Clock } from '../clock.ts';
import { isNoPoint, KzgError } from '../kzg/engine.ts';
import { type PairingEngine, pairingSurelyHolds } from '../kzg/pairing-check.ts';
import { DeadlinePassed, withDeadline } from '../network/deadline.ts';
import { Turns } from '../turns.ts';
import type { Bundle } from './bundle.ts';
import { refused } from './evidence-error.ts';
import type { EvidenceManifests } from './evidence-manifests.ts';

export interface EvidenceCheckerDeps {
  readonly clock: Clock;
  readonly engine: PairingEngine;
  readonly manifests: Pick<EvidenceManifests, 'load'>;
}

/** Manifests are asked for and a root of 3 TB is decoded in it; gossip waits meanwhile. */
const TIMEOUT_MS = 20_000;
/** At a time, and waiting: what is beyond comes again by another peer, or is asked for. */
const LIMITS = { running: 2, waiting: 16, waitingPerKey: 4 };

/**
 * Verifies evidence again, as everybody must before it counts (protocol v1 §5): what it costs is bounded. It is held against
 * somebody either way, the accused or the accuser, so that the library alone has the word.
 */
export class EvidenceChecker {
  readonly #deps: EvidenceCheckerDeps;
  readonly #turns = new Turns(LIMITS);

  constructor(deps: EvidenceCheckerDeps) {
    this.#deps = deps;
  }

  /**
   * Returns when the bundle proves that the accused signed a false proof.
   *
   * @param from who gave it; asked for the manifest first, then the auditor.
   * @throws EvidenceError busy | bad-audit | no-manifest | bad-commitments | proof-holds; the signal's reason
   */
  async prove(bundle: Bundle, from: string, signal: AbortSignal): Promise<void> {
    const end = await this.#turns.take(from, signal);
    if (end === undefined) throw refused('busy', 'too much of it waits already');
    try {
      await withDeadline(this.#deps.clock, TIMEOUT_MS, signal, (limited) => this.#prove(bundle, from, limited));
    } catch (error) {
      if (error instanceof DeadlinePassed) throw refused('no-manifest', 'its manifest did not come in time');
      throw error;
    } finally {
      end();
    }
  }

  async #prove(bundle: Bundle, from: string, signal: AbortSignal): Promise<void> {
    const { receipt, root, segment: cid, auditor } = bundle;
    // Signatures come before anybody is asked for a manifest.
    const opened = audited(() => openAuditRequest(receipt.request));
    const segment = await this.#deps.manifests.load(root, cid, [from, auditor], signal);
    if (segment === undefined) throw refused('no-manifest', `segment ${cid} of ${root} cannot be had`);
    const lookup = lookupOf([segment]);
    const items = audited(() => auditItems(opened.parts, lookup));
    const commitments = await points(() => sureCommitments(items, this.#deps.engine, signal));
    const { answer } = audited(() => verifyAuditReceiptStructure(receipt, lookup, commitments, opened));
    if (answer.kind !== 'opening') throw refused('not-evidence', 'the holder declared the loss');
    if (await this.#pairs(answer.pairing, signal)) throw refused('proof-holds', 'the proof of the accused is right');
  }

  #pairs(pairing: Pairing, signal: AbortSignal): Promise<boolean> {
    return points(() => pairingSurelyHolds(this.#deps.engine, pairing, signal));
  }
}

type Answer = ReturnType<typeof verifyAuditReceiptStructure>['answer'];
type Pairing = Extract<Answer, { readonly kind: 'opening' }>['pairing'];

/** Codes that tell of the manifest or of time, not of what was signed. */
const CIRCUMSTANCES: ReadonlySet<AuditError['code']> = new Set(['unknown-segment', 'underived-commitments']);

/** Runs a check of the audit; what fails it was signed by the accuser, who could have seen it. */
function audited<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof AuditError && error.code === 'receipt-expired')
      throw refused('receipt-expired', error.message);
    if (error instanceof AuditError && CIRCUMSTANCES.has(error.code)) throw refused('bad-commitments', error.message);
    if (error instanceof AuditError) throw refused('bad-audit', error.message, { cause: error });
    if (error instanceof StructureError) throw refused('malformed', error.message, { cause: error });
    throw error;
  }
}

/** What the uploader put into the manifest may be no points; that is nobody's proof. */
async function points<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isNoPoint(error)) {
      throw refused('bad-commitments', error.message, { cause: error });
    }
    if (error instanceof KzgError && error.code === 'queue-full') throw refused('busy', error.message);
    throw error;
  }
}

import type { ReceivedEvidence } from '../store/received-evidence-store.ts';
import type { Bundle } from './bundle.ts';
import type { EvidenceChecker } from './evidence-checker.ts';
import { refused } from './evidence-error.ts';
import type { ReputationService } from './reputation.ts';

export interface EvidenceIntakeDeps {
  /** Peer id of this node. */
  readonly self: string;
  readonly checker: Pick<EvidenceChecker, 'prove'>;
  readonly reputation: Pick<ReputationService, 'isCurrent' | 'verified'>;
  readonly evidence: {
    has(accused: string, segment: ReceivedEvidence['segment']): Promise<boolean>;
    about(accused: string, signal?: AbortSignal): AsyncIterable<ReceivedEvidence>;
  };
  readonly now: () => number;
}

/** Kept against one peer: by then nothing is left of it, and it must not push out what is known of others. */
const MAX_PER_ACCUSED = 16;

/** Takes evidence in, whichever way it came: what is cheap to see comes before what costs a proof. */
export class EvidenceIntake {
  readonly #deps: EvidenceIntakeDeps;

  constructor(deps: EvidenceIntakeDeps) {
    this.#deps = deps;
  }

  /** Returns when it was verified and has counted, durably. @throws EvidenceError; StoreError; the signal's reason */
  async take(bundle: Bundle, from: string, signal: AbortSignal): Promise<void> {
    const { self, checker, reputation, evidence, now } = this.#deps;
    const { accused, auditor, segment, challengedAt, audit, bytes } = bundle;
    // Whoever judges itself is no judge; that others know it is found by asking them.
    if (accused === self) throw refused('about-self', 'it is about this node');
    if (auditor === self) throw refused('known', 'this node found it itself');
    if (!(await reputation.isCurrent(challengedAt))) throw refused('too-old', 'it is older than what is remembered');
    if (await evidence.has(accused, segment)) throw refused('known', 'this failure has counted');
    let kept = 0;
    for await (const _ of evidence.about(accused, signal)) kept++;
    if (kept >= MAX_PER_ACCUSED) throw refused('enough', `${accused} has nothing left to lose`);
    for await (const other of evidence.about(auditor, signal)) {
      if (other.auditor === accused) throw refused('retaliation', 'the accused proved a failure of the accuser before');
    }
    await checker.prove(bundle, from, signal);
    const row = { accused, segment, auditor, challengedAt, audit, bundle: bytes };
    if (!(await reputation.verified({ ...row, at: now(), own: false }))) throw refused('known', 'it has counted');
  }
}

import type { ReceivedEvidence } from '../store/received-evidence-store.ts';
import type { Bundle } from './bundle.ts';
import type { EvidenceChecker } from './evidence-checker.ts';
import { refused } from './evidence-error.ts';
import type { ReputationService } from './reputation.ts';

export interface EvidenceIntakeDeps {
  /** Peer id of this node. */
  readonly self: string;
  readonly checker: Pick<EvidenceChecker, 'prove'>;
  readonly reputation: Pick<ReputationService, 'isCurrent' | 'hasEnough' | 'verified'>;
  readonly evidence: {
    has(accused: string, segment: ReceivedEvidence['segment']): Promise<boolean>;
    about(accused: string, signal?: AbortSignal): AsyncIterable<ReceivedEvidence>;
  };
  readonly now: () => number;
}

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
    if (!(await reputation.isCurrent(challengedAt))) throw refused('too-old', 'it is older than what is remembered');
    if (await evidence.has(accused, segment)) throw refused('known', 'this failure has counted');
    if (await reputation.hasEnough(accused, challengedAt))
      throw refused('enough', `${accused} has nothing left to lose`);
    for await (const other of evidence.about(auditor, signal)) {
      if (other.auditor === accused) throw refused('retaliation', 'the accused proved a failure of the accuser before');
    }
    await checker.prove(bundle, from, signal);
    // What this node found itself and lacks: its home was restored from the phrase.
    const own = auditor === self;
    const row = { accused, segment, auditor, challengedAt, audit, bundle: bytes };
    if (!(await reputation.verified({ ...row, at: now(), own }))) throw refused('known', 'it has counted');
  }
}

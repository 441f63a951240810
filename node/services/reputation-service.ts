import { toHex } from '../../protocol/bytes.ts';
import { ApiError } from '../api/problem.ts';
import type {
  EvidenceDescription,
  FalseCommitment,
  PeerReputation,
  ReputationApi,
  ReputationLogEntry,
} from '../api/reputation-service.ts';
import { keyFromPeerId } from '../network/peer-key.ts';
import type { ReputationChange } from '../reputation/change.ts';
import type { EvidenceGate } from '../reputation/evidence-gate.ts';
import type { EvidenceInquiry } from '../reputation/evidence-inquiry.ts';
import type { ReputationService } from '../reputation/reputation.ts';
import type { ReceivedEvidence } from '../store/received-evidence-store.ts';
import { asApi } from './api-failure.ts';

export interface ReputationApiDeps {
  /** Peer id of this node. */
  readonly self: string;
  readonly reputation: Pick<ReputationService, 'peers' | 'stateOf' | 'standingOf' | 'scoreOf' | 'forgive'>;
  readonly gate: Pick<EvidenceGate, 'counts'>;
  readonly inquiry: Pick<EvidenceInquiry, 'howSeen'>;
  readonly log: {
    changes(
      peer: string,
      options: { readonly before?: number; readonly signal?: AbortSignal },
    ): AsyncIterable<readonly [n: number, change: ReputationChange]>;
  };
  readonly evidence: { about(peer: string, signal?: AbortSignal): AsyncIterable<ReceivedEvidence> };
  /** Wrong commitments that were signed, newest first. */
  readonly claims: {
    list(options: { holder: Uint8Array; signal: AbortSignal }): AsyncIterable<{ id: Uint8Array; at: number }>;
  };
  readonly now: () => number;
}

/** Pieces of evidence, and false commitments, listed of one peer; more would say nothing new. */
const MAX_EVIDENCE = 100;

export function createReputationService(deps: ReputationApiDeps): ReputationApi {
  const { self, reputation, gate, inquiry, log, evidence, claims, now } = deps;

  const describe = (peer: string): PeerReputation => {
    const { integrity, availability, vetted, disqualified, integrityFailedAt } = reputation.standingOf(peer);
    const state = reputation.stateOf(peer);
    return {
      peer,
      score: reputation.scoreOf(peer),
      integrity,
      availability,
      vetted,
      disqualified,
      ...(integrityFailedAt === undefined ? {} : { integrityFailedAt }),
      credits: state?.credits ?? 0,
      updatedAt: state?.updatedAt ?? 0,
    };
  };

  const evidenceAbout = async (peer: string, signal: AbortSignal): Promise<EvidenceDescription[]> => {
    const listed: EvidenceDescription[] = [];
    if (peer === self) {
      for (const { by, bundle } of await inquiry.howSeen(signal)) listed.push(describeEvidence(bundle, by));
      return listed.slice(0, MAX_EVIDENCE);
    }
    for await (const found of evidence.about(peer, signal)) {
      listed.push(describeEvidence(found, self));
      if (listed.length === MAX_EVIDENCE) break;
    }
    return listed;
  };

  const falseCommitments = async (holder: Uint8Array, signal: AbortSignal): Promise<FalseCommitment[]> => {
    const listed: FalseCommitment[] = [];
    for await (const { id, at } of claims.list({ holder, signal })) {
      listed.push({ shard: toHex(id), at });
      if (listed.length === MAX_EVIDENCE) break;
    }
    return listed;
  };

  return {
    async list({ after, limit }) {
      const peers = reputation.peers().filter((peer) => after === undefined || peer > after);
      const page = peers.slice(0, limit);
      const last = page.at(-1);
      return {
        peers: page.map(describe),
        ...(peers.length > limit && last !== undefined ? { next: last } : {}),
        accusations: gate.counts(),
      };
    },
    show: (peer, { before, limit, signal }) =>
      asApi(async () => {
        const key = keyFromPeerId(peer);
        const changes: ReputationLogEntry[] = [];
        for await (const [n, change] of log.changes(peer, { ...(before === undefined ? {} : { before }), signal })) {
          changes.push({ n, ...change });
          if (changes.length > limit) break;
        }
        const page = changes.slice(0, limit);
        const last = page.at(-1);
        return {
          ...describe(peer),
          changes: page,
          ...(changes.length > limit && last !== undefined ? { next: last.n } : {}),
          evidence: await evidenceAbout(peer, signal),
          falseCommitments: await falseCommitments(key, signal),
        };
      }),
    forgive: (peer, reason) =>
      asApi(async () => {
        keyFromPeerId(peer);
        if (await reputation.forgive(peer, now(), reason)) return describe(peer);
        throw new ApiError('unknown-peer', `${peer} was never judged here: see \`holdfast reputation ls\``);
      }),
  };
}

function describeEvidence(
  { segment, auditor, audit, challengedAt }: Pick<ReceivedEvidence, 'segment' | 'auditor' | 'audit' | 'challengedAt'>,
  keptBy: string,
): EvidenceDescription {
  return { segment: segment.toString(), auditor, audit, challengedAt, keptBy };
}

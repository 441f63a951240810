import type { AuditReceipt } from '../../protocol/audit-receipt.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { ReputationApi } from '../api/reputation-service.ts';
import type { HolderAudit } from '../audit/audit-runner.ts';
import { type AuditObservation, observationOf } from '../audit/observation.ts';
import { UNSETTLED } from '../audit/outcome.ts';
import type { SecurityRecord } from '../audit-log/event.ts';
import type { Config } from '../config/options.ts';
import type { KzgEngine } from '../kzg/engine.ts';
import type { SegmentDirectory } from '../manifest/segment-directory.ts';
import type { Host } from '../network/host.ts';
import { keyFromPeerId, peerIdFromKey } from '../network/peer-key.ts';
import type { ReputationChange } from '../reputation/change.ts';
import { EvidenceChecker } from '../reputation/evidence-checker.ts';
import { EvidenceGate } from '../reputation/evidence-gate.ts';
import { EvidenceGossip } from '../reputation/evidence-gossip.ts';
import { EvidenceInquiry } from '../reputation/evidence-inquiry.ts';
import { EvidenceIntake } from '../reputation/evidence-intake.ts';
import { EvidenceManifests } from '../reputation/evidence-manifests.ts';
import { Findings } from '../reputation/findings.ts';
import type { ReputationPolicy } from '../reputation/policy.ts';
import { ReputationService } from '../reputation/reputation.ts';
import type { Events } from '../services/events.ts';
import { createReputationService } from '../services/reputation-service.ts';
import type { Stores } from '../store/stores.ts';
import type { ClaimEvidence, EvidenceBook } from '../transfer/ports.ts';
import type { NodeOptions } from './node-options.ts';

export interface ReputationParts {
  readonly options: NodeOptions;
  /** Network id, 32 bytes. */
  readonly network: Uint8Array;
  readonly stores: Stores;
  readonly engine: KzgEngine;
  readonly host: Host;
  readonly segments: SegmentDirectory;
  readonly events: Events;
  readonly record: SecurityRecord;
}

export interface Reputation {
  readonly service: ReputationService;
  readonly api: ReputationApi;
  readonly inquiry: EvidenceInquiry;
  /** Takes the result of an audit that was asked for as final. */
  readonly onResult: (result: Omit<HolderAudit, 'bad'>) => Promise<void>;
  /** Takes a final outcome. */
  readonly onObserved: (observation: AuditObservation) => Promise<void>;
  /** Takes receipts that prove a failure whose outcome was taken. */
  readonly onProved: (evidence: readonly AuditReceipt[]) => Promise<void>;
  /** What can be proved about a peer: encoded receipts, in a stable order. */
  about(peer: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Keeps wrong commitments that holders signed, and charges them. */
  readonly claims: EvidenceBook;
  /** Before the network: standings are there when the first peer comes. */
  load(): Promise<void>;
  /** After the network. */
  start(): void;
  stop(): Promise<void>;
}

/** Builds what judges peers: the scores, and evidence from and to others. */
export function composeReputation(parts: ReputationParts): Reputation {
  const { options, network, stores, engine, host, segments, events, record } = parts;
  const { clock, identity, resolved } = options;
  const log = options.log.child({ part: 'reputation' });
  const service = new ReputationService({
    clock,
    policy: policyOf(resolved.config),
    store: stores.reputation,
    evidence: stores.receivedEvidence,
    async holds(peer) {
      for await (const _ of stores.receivedReceipts.segmentsOf(keyFromPeerId(peer))) return true;
      return false;
    },
    onChange(peer, change) {
      const told = eventOf(peer, change);
      events.emit('reputation.changed', told);
      record('reputation', { ...told, ...(change.detail === undefined ? {} : { detail: change.detail }) });
      if (!change.disqualified) return;
      log.warn('a peer is disqualified', { peer, reason: change.reason });
      record('disqualified', { peer, reason: change.reason });
    },
    onEvidence({ accused, auditor, audit, segment, challengedAt, own }) {
      record('evidence', { peer: accused, auditor, audit, segment: segment.toString(), challengedAt, own });
    },
  });
  const manifests = new EvidenceManifests({
    network,
    segments,
    client: host.client,
    providers: (root, signal) => host.findProviders(root, signal),
    clock,
  });
  const checker = new EvidenceChecker({ clock, engine, manifests });
  const now = () => clock.now();
  const evidence = stores.receivedEvidence;
  const intake = new EvidenceIntake({ self: host.peerId, checker, reputation: service, evidence, now });
  const gate = new EvidenceGate({
    network,
    intake,
    clock,
    log,
    onFalse: (accuser, reason) => service.falseEvidence(accuser, clock.now(), reason),
  });
  const { pubsub } = host.libp2p.services;
  const gossip = new EvidenceGossip({ network, signer: identity, gate, pubsub, clock, log });
  const inquiry = new EvidenceInquiry({
    self: host.peerId,
    network,
    client: host.client,
    connected: () => host.connected(),
    intake,
    checker,
    clock,
    log,
  });
  const findings = new Findings({ network, reputation: service, gossip, clock });
  const stopping = new AbortController();
  let resuming: Promise<void> = Promise.resolve();
  return {
    service,
    api: createReputationService({
      self: host.peerId,
      reputation: service,
      gate,
      inquiry,
      log: stores.reputation,
      evidence,
      claims: stores.claimEvidence,
      now,
    }),
    inquiry,
    async onResult({ peer, outcome, shards, id }) {
      if (UNSETTLED.has(outcome.kind)) return;
      await findings.observed(observationOf({ peer, at: clock.now(), outcome, shards, id }));
    },
    onObserved: (observation) => findings.observed(observation),
    onProved: (evidence) => findings.proved(evidence),
    async *about(peer, signal) {
      for await (const { bundle } of evidence.about(peer, signal)) yield bundle;
    },
    claims: { put: (found) => chargeClaim(stores, service, found) },
    load: () => service.start(),
    start() {
      gossip.start();
      inquiry.start();
      // All evidence that was ever found is looked at: the node need not wait for it.
      resuming = findings.resume(stores.audits.evidence(stopping.signal)).catch((error: unknown) => {
        if (!stopping.signal.aborted)
          log.warn('evidence found before the start was not taken up', { reason: String(error) });
      });
    },
    async stop() {
      stopping.abort(new Error('the node is stopping'));
      await Promise.all([gossip.stop(), inquiry.stop(), resuming]);
      await service.stop();
    },
  };
}

async function chargeClaim({ claimEvidence }: Stores, service: ReputationService, found: ClaimEvidence): Promise<void> {
  const beside = await claimEvidence.putting(found);
  await service.falseCommitment(peerIdFromKey(found.claim.holder), found.at, `shard ${toHex(found.id)}`, beside);
}

function eventOf(peer: string, { reason, integrity, availability, disqualified }: ReputationChange) {
  const after = { integrity: integrity[1], availability: availability[1] };
  return { peer, reason, ...after, disqualified: disqualified === true };
}

function policyOf(config: Config): ReputationPolicy {
  return {
    shortHalfLifeMs: config['reputation.shortHalfLife'],
    longHalfLifeMs: config['reputation.longHalfLife'],
    sampleIntervalMs: config['reputation.sampleInterval'],
    creditIntervalMs: config['reputation.creditInterval'],
    vettedCredits: config['reputation.vettedAudits'],
    vettedMs: config['reputation.vettedTime'],
    minimumIntegrity: config['reputation.minimumIntegrity'],
    disqualifyBelow: config['reputation.disqualifyBelow'],
  };
}

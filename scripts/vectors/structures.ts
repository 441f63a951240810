import type { Backend } from '../../node/kzg/library.ts';
import { encodeAccusation, signAccusation } from '../../protocol/accusation.ts';
import { encodeAuditReceipt } from '../../protocol/audit-receipt.ts';
import { bitmapOf } from '../../protocol/bitmap.ts';
import { toHex } from '../../protocol/bytes.ts';
import { nodeCid } from '../../protocol/cid.ts';
import { encodeAdvert, signAdvert } from '../../protocol/hello.ts';
import { formatLink } from '../../protocol/link.ts';
import { encodeRoot, signRoot } from '../../protocol/manifest.ts';
import { auditAnswer, auditRequest } from '../../protocol/messages/audit.ts';
import { evidenceRequest, evidenceResponse } from '../../protocol/messages/evidence.ts';
import { fetchRequest } from '../../protocol/messages/fetch.ts';
import { finalizeRequest, finalizeResponse } from '../../protocol/messages/finalize.ts';
import { haveRequest, haveResponse } from '../../protocol/messages/have.ts';
import { manifestRequest } from '../../protocol/messages/manifest.ts';
import { releaseRequest } from '../../protocol/messages/release.ts';
import { stageOffer, stageRequest, stageResult } from '../../protocol/messages/stage.ts';
import { encodeRepairNotice, signRepairNotice } from '../../protocol/repair-notice.ts';
import { stripeOf } from '../../protocol/segment.ts';
import { type SignedClaim, signStageClaim } from '../../protocol/stage-claim.ts';
import { encodeReply } from '../../protocol/status.ts';
import { type AuditCase, auditCase, auditVectors, HELD } from './audits.ts';
import {
  AUDITOR,
  CODE,
  CREATED,
  digest,
  FILE_KEY,
  HOLDER,
  type Identity,
  NETWORK,
  NETWORK_NAME,
  OWNER,
  PLAINTEXT_BYTES,
  PLAINTEXT_LABEL,
  type StoredObject,
  storedObject,
} from './fixtures.ts';

const ABOUT =
  'Reference values for the dag-cbor structures of protocol version 1 (protocol/holdfast.cddl). Bytes are hex. ' +
  'stream(label, n) is that of protocol-v1.json. Signatures and proofs are deterministic, so that every value can be reproduced.';

export interface Built {
  readonly object: StoredObject;
  readonly audit: AuditCase;
  readonly advert: Uint8Array;
  readonly messages: Readonly<Record<string, Uint8Array>>;
  /** What `stageResultDelegated` claims. */
  readonly claim: SignedClaim;
}

export function build(backend: Pick<Backend, 'commit' | 'open'>): Built {
  const object = storedObject(backend);
  const audit = auditCase(object, backend);
  const unsigned = {
    network: NETWORK,
    peer: HOLDER.publicKey,
    issuedAt: CREATED,
    agent: 'holdfast/0.1.0',
    capacity: 2 ** 40,
    free: 2 ** 39,
    region: 'eu-central',
    services: ['audit', 'store'],
    // /ip4/127.0.1.1/tcp/4801
    addresses: [Uint8Array.of(4, 127, 0, 1, 1, 6, 0x12, 0xc1)],
  };
  const claim = stageClaim(object);
  const advert = encodeAdvert(signAdvert(unsigned, HOLDER));
  return { object, audit, advert, claim, messages: messages(object, audit, claim) };
}

function stageClaim({ shards }: StoredObject): SignedClaim {
  const held = shards.filter(({ index }) => HELD.includes(index));
  const ids = Buffer.concat(held.map(({ id }) => id));
  const commitments = Buffer.concat(held.map(({ commitment }) => commitment));
  return signStageClaim({ upload: digest('holdfast structures: upload').subarray(0, 16), ids, commitments }, HOLDER);
}

function messages(
  { rootBytes, segmentBytes }: StoredObject,
  audit: AuditCase,
  { upload, ids, commitments, sig }: SignedClaim,
): Record<string, Uint8Array> {
  const segment = nodeCid(segmentBytes);
  const root = nodeCid(rootBytes);
  const indices = bitmapOf(HELD);
  const { request, answers, receipt, release } = audit;
  const repair = {
    network: NETWORK,
    repairer: HOLDER.publicKey,
    root,
    segment,
    stripes: bitmapOf([0, 1]),
    issuedAt: CREATED,
    expiresAt: CREATED + 600_000,
  };
  return {
    stageRequest: stageRequest.encode({ upload, ids }),
    stageRequestDelegated: stageRequest.encode({ upload, ids, commit: true }),
    stageOffer: stageOffer.encode({ wanted: bitmapOf([0, 2, 3]) }),
    stageOfferNothing: stageOffer.encode({ wanted: bitmapOf([]) }),
    stageResult: stageResult.encode({ hashes: ids }),
    stageResultDelegated: stageResult.encode({ hashes: ids, commitments, sig }),
    finalizeRequest: finalizeRequest.encode({ root: rootBytes, segments: [{ node: segmentBytes, indices }] }),
    finalizeRequestLease: finalizeRequest.encode({
      root: rootBytes,
      segments: [{ node: segmentBytes, indices }],
      lease: true,
    }),
    finalizeResponse: finalizeResponse.encode({ receipts: [receipt] }),
    fetchRequest: fetchRequest.encode({ segment, indices }),
    haveRequestRoot: haveRequest.encode({ root, after: segment }),
    haveRequestRelease: haveRequest.encode({ root, release: true }),
    haveRequestSegment: haveRequest.encode({ segment }),
    haveResponse: haveResponse.encode({ held: [{ segment, indices, receipt }], more: false }),
    haveResponseReleased: haveResponse.encode({ held: [], more: false, release }),
    manifestRequest: manifestRequest.encode({ cid: root }),
    releaseRequest: releaseRequest.encode({ release }),
    evidenceRequest: evidenceRequest.encode({ peer: HOLDER.publicKey }),
    evidenceRequestNext: evidenceRequest.encode({
      peer: HOLDER.publicKey,
      after: digest('holdfast structures: bundle'),
    }),
    evidenceResponse: evidenceResponse.encode({
      bundles: [encodeAuditReceipt({ request, answer: answers.allMissing })],
      more: false,
    }),
    auditRequest: auditRequest.encode(request),
    auditAnswer: auditAnswer.encode(answers.passed),
    accusation: encodeAccusation(signAccusation(accused(audit), AUDITOR)),
    repairNotice: encodeRepairNotice(signRepairNotice({ ...repair, kind: 'lease' }, HOLDER)),
    repairNoticeDone: encodeRepairNotice(signRepairNotice({ ...repair, kind: 'done' }, HOLDER)),
    replyOk: encodeReply({ status: 'ok', body: new Uint8Array(0) }),
    replyBusy: encodeReply({ status: 'busy', retryAt: CREATED }),
    replyNotHeld: encodeReply({
      status: 'not-held',
      code: 'not-staged',
      message: 'two shards are not staged here: stage them again',
      shards: [bitmapOf([1, 4])],
    }),
  };
}

/** The form alone: the proof of this bundle is right, so that the accusation is false. */
function accused({ request, answers }: AuditCase) {
  const bundle = encodeAuditReceipt({ request, answer: answers.passed });
  return { network: NETWORK, accuser: AUDITOR.publicKey, bundle, issuedAt: CREATED };
}

/** The content of test/vectors/structures-v1.json. */
export function structureVectors({ object, audit, advert, messages, claim }: Built): object {
  const root = nodeCid(object.rootBytes);
  const short = stripeOf(object.segment, CODE, 1);
  return {
    about: ABOUT,
    network: { name: NETWORK_NAME, id: toHex(NETWORK) },
    identities: { owner: shown(OWNER), holder: shown(HOLDER), auditor: shown(AUDITOR) },
    object: {
      fileKey: toHex(FILE_KEY),
      plaintext: { label: PLAINTEXT_LABEL, length: PLAINTEXT_BYTES },
      code: CODE,
      shards: object.shards.map(({ index, id, commitment }) => ({
        index,
        id: toHex(id),
        commitment: toHex(commitment),
      })),
    },
    manifest: {
      root: toHex(object.rootBytes),
      cid: root.toString(),
      link: formatLink(root, FILE_KEY),
      linkWithoutKey: formatLink(root),
      tree: toHex(tree(object)),
    },
    segment: { bytes: toHex(object.segmentBytes), cid: nodeCid(object.segmentBytes).toString() },
    shortStripe: {
      stripe: 1,
      dataCount: short?.dataCount,
      hashes: short?.hashes.map((hash) => (hash === undefined ? null : toHex(hash))),
    },
    storeReceipt: toHex(audit.receipt),
    release: toHex(audit.release),
    advert: toHex(advert),
    stageClaim: hexClaim(claim),
    audit: auditVectors(audit),
    messages: Object.fromEntries(Object.entries(messages).map(([name, bytes]) => [name, toHex(bytes)])),
  };
}

/** The same content as a directory whose index is its last 100 bytes. */
function tree({ root }: StoredObject): Uint8Array {
  const { sig: _, ...unsigned } = root;
  return encodeRoot(signRoot({ ...unsigned, kind: 'tree', indexLength: 100 }, OWNER));
}

function shown({ seed, publicKey }: Identity): object {
  return { seed: toHex(seed), publicKey: toHex(publicKey) };
}

/** A signed claim of commitments as the vectors show it. */
export function hexClaim({ upload, ids, commitments, holder, sig }: SignedClaim): Readonly<Record<string, string>> {
  return {
    upload: toHex(upload),
    ids: toHex(ids),
    commitments: toHex(commitments),
    holder: toHex(holder),
    sig: toHex(sig),
  };
}

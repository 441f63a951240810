import { createHash } from 'node:crypto';
import type { CID } from 'multiformats/cid';
import { MAX_BUNDLE_BYTES } from '../../protocol/accusation.ts';
import { type AuditReceipt, decodeAuditReceipt } from '../../protocol/audit-receipt.ts';
import { bitmapIndices } from '../../protocol/bitmap.ts';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { StructureError } from '../../protocol/cbor.ts';
import { decodeChallenge } from '../../protocol/challenge.ts';
import { MAX_CLOCK_SKEW_MS } from '../../protocol/constants.ts';
import { decodeStoreReceipt, isExpired } from '../../protocol/store-receipt.ts';
import { challengeId } from '../../protocol/transcript.ts';
import { NetworkError } from '../network/errors.ts';
import { peerIdFromKey } from '../network/peer-key.ts';
import { type EvidenceRefusal, refused } from './evidence-error.ts';

/** A bundle that has the form of evidence; no signature of it is checked yet. Peers are peer ids. */
export interface Bundle {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, hex. */
  readonly hash: string;
  readonly receipt: AuditReceipt;
  /** Challenge id, hex. */
  readonly audit: string;
  readonly accused: string;
  readonly auditor: string;
  /** Public key of the auditor, 32 bytes. */
  readonly auditorKey: Uint8Array;
  readonly root: CID;
  readonly segment: CID;
  readonly challengedAt: number;
}

/** Of one segment a holder has one shard a stripe, and 1,024 stripes are the most there are. */
const MAX_SHARDS = 1024;

/**
 * Reads what claims to be evidence and refuses what can be refused for nothing: by size, form, network and times.
 *
 * @throws EvidenceError oversize | malformed | not-evidence | other-network | before-receipt | receipt-expired | from-future
 */
export function readBundle(bytes: Uint8Array, network: Uint8Array, now: number): Bundle {
  if (bytes.length > MAX_BUNDLE_BYTES) throw refused('oversize', `${bytes.length} bytes are too many`);
  try {
    return read(bytes, network, now);
  } catch (error) {
    if (error instanceof StructureError || error instanceof NetworkError) {
      throw refused('malformed', error.message, { cause: error });
    }
    throw error;
  }
}

function read(bytes: Uint8Array, network: Uint8Array, now: number): Bundle {
  const receipt = decodeAuditReceipt(bytes);
  const { request, answer } = receipt;
  const [entry, ...others] = request.set;
  if (entry === undefined || others.length > 0) throw refused('not-evidence', 'it is not about one segment');
  if (bitmapIndices(entry.indices).length > MAX_SHARDS) throw refused('not-evidence', 'it is about too many shards');
  if (!('response' in answer)) throw refused('not-evidence', 'the holder gave no proof that could be false');
  const challenge = decodeChallenge(request.challenge);
  const stored = decodeStoreReceipt(entry.receipt);
  if (!equalBytes(challenge.network, network)) throw refused('other-network', 'it is of another network');
  const accused = peerIdFromKey(challenge.prover);
  const auditor = peerIdFromKey(challenge.auditor);
  if (accused === auditor) throw refused('not-evidence', 'a peer audited itself');
  const { issuedAt } = challenge;
  const timing = timingFault(issuedAt, stored.issuedAt, now);
  if (timing !== undefined) throw refused(timing, 'its challenge is of a time that cannot be');
  if (isExpired(stored, issuedAt)) throw refused('receipt-expired', 'the store receipt had expired');
  return {
    bytes,
    hash: createHash('sha256').update(bytes).digest('hex'),
    receipt,
    audit: toHex(challengeId(request.challenge)),
    accused,
    auditor,
    auditorKey: challenge.auditor,
    root: stored.root,
    segment: entry.segment,
    challengedAt: issuedAt,
  };
}

/** A holder answers for what it signed for from then on, and two clocks may differ. */
function timingFault(challengedAt: number, storedAt: number, now: number): EvidenceRefusal | undefined {
  if (challengedAt > now + MAX_CLOCK_SKEW_MS) return 'from-future';
  return challengedAt < storedAt - MAX_CLOCK_SKEW_MS ? 'before-receipt' : undefined;
}

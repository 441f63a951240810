import type { CID } from 'multiformats/cid';
import { AuditError } from '../../protocol/audit-error.ts';
import { auditExport } from '../../protocol/audit-export.ts';
import {
  type AuditReceipt,
  decodeAuditReceipt,
  MAX_AUDIT_RECEIPT_BYTES,
  segmentLookup,
  verifyAuditReceipt,
} from '../../protocol/audit-receipt.ts';
import { bitmapCount } from '../../protocol/bitmap.ts';
import { StructureError } from '../../protocol/cbor.ts';
import type { Challenge } from '../../protocol/challenge.ts';
import type { CodeId } from '../../protocol/code.ts';
import { type FrKernel, frLagrangeCode } from '../../protocol/codes/fr-lagrange.ts';
import type { KzgEngine } from '../kzg/engine.ts';
import { pairingHolds } from '../kzg/pairing-check.ts';

/** What a receipt whose signatures, addressing and coverage hold shows. */
export interface VerifiedReceipt {
  readonly challenge: Challenge;
  readonly parts: readonly { readonly root: CID; readonly segment: CID; readonly shards: number }[];
  /** Shards that the holder declared lost, or entries that it refused. */
  readonly missing: number;
  readonly outcome: 'passed' | 'invalid-proof' | 'declared-lost' | 'not-held' | 'released' | 'expired' | 'busy-until';
}

/** What a file holds of a receipt and of the manifests that it is checked against. */
export interface ReceiptFile {
  readonly receipt: AuditReceipt | undefined;
  readonly roots: readonly Uint8Array[];
  readonly segments: readonly Uint8Array[];
}

/** Reads an audit export, or a bare receipt as evidence is passed on. Only the form is checked. @throws StructureError */
export function readReceiptFile(bytes: Uint8Array): ReceiptFile {
  try {
    const { receipt, roots, segments } = auditExport.decode(bytes);
    return { receipt: receipt && decodeAuditReceipt(receipt), roots, segments };
  } catch (error) {
    if (!(error instanceof StructureError) || bytes.length > MAX_AUDIT_RECEIPT_BYTES) throw error;
    try {
      return { receipt: decodeAuditReceipt(bytes), roots: [], segments: [] };
    } catch {
      throw error;
    }
  }
}

/**
 * Checks a receipt again, with nothing but the manifests (protocol v1 §5).
 *
 * @throws AuditError `unknown-segment` when a node of a manifest is not given; AuditError or StructureError when the
 *   receipt, or a node, is not what both sides signed; KzgError when commitments of the manifest are no points.
 */
export async function verifyReceipt(
  receipt: AuditReceipt,
  { roots, segments }: Pick<ReceiptFile, 'roots' | 'segments'>,
  engine: Pick<KzgEngine, 'verify' | 'checked' | keyof FrKernel>,
  signal: AbortSignal,
): Promise<VerifiedReceipt> {
  const lookup = segmentLookup(roots, segments);
  const attempt = async (kernel: FrKernel) => {
    // The other codes list all of their commitments.
    const codeOf = (id: CodeId) => (id === 1 ? frLagrangeCode(kernel) : {});
    const opened = await verifyAuditReceipt(receipt, lookup, codeOf, signal);
    const { answer } = opened;
    return { opened, holds: answer.kind !== 'opening' || (await pairingHolds(engine, answer.pairing, signal)) };
  };
  const first = await attempt(engine).catch((error: unknown) => {
    if (error instanceof AuditError && error.code === 'wrong-digest') return undefined;
    throw error;
  });
  // Neither side is at fault because a fast kernel derived the parity's commitments.
  const { opened, holds } = first?.holds
    ? first
    : await attempt({
        combineCommitments: (...args) => engine.checked().combineCommitments(...args),
        linearMap: (...args) => engine.linearMap(...args),
      });
  const { challenge, answer } = opened;
  const parts = opened.parts.map(({ root, segment, indices }) => ({ root, segment, shards: bitmapCount(indices) }));
  if (answer.kind === 'refused') {
    return { challenge, parts, missing: answer.entries.length, outcome: answer.reason };
  }
  const missing = answer.missing.length;
  if (!holds) return { challenge, parts, missing, outcome: 'invalid-proof' };
  return { challenge, parts, missing, outcome: missing === 0 ? 'passed' : 'declared-lost' };
}

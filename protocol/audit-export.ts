import { MAX_AUDIT_RECEIPT_BYTES } from './audit-receipt.ts';
import { MAX_AUDIT_ENTRIES } from './audit-refusal.ts';
import { MAX_NODE_BYTES } from './constants.ts';
import { byteString, list, optional } from './fields.ts';
import { structure } from './structure.ts';

/** An audit of the most shards needs 24 MiB of segments, and their roots. */
export const MAX_AUDIT_EXPORT_BYTES = 64 * 1024 * 1024;

/** An audit receipt as a file, with the nodes of the manifests that it is checked against. */
export interface AuditExport {
  /** Encoded; absent in a file that only carries manifests. */
  readonly receipt?: Uint8Array;
  readonly roots: readonly Uint8Array[];
  readonly segments: readonly Uint8Array[];
}

const nodes = list(byteString(MAX_NODE_BYTES, 1), MAX_AUDIT_ENTRIES);

/** Both throw StructureError; only the form is checked. */
export const auditExport = structure<AuditExport>('audit export', MAX_AUDIT_EXPORT_BYTES, {
  receipt: optional(byteString(MAX_AUDIT_RECEIPT_BYTES, 1)),
  roots: nodes,
  segments: nodes,
});

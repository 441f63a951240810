import { createHash } from 'node:crypto';
import { equalBytes } from '../../protocol/bytes.ts';
import { evidenceRequest, evidenceResponse, MAX_EVIDENCE_PAGE_BYTES } from '../../protocol/messages/evidence.ts';
import { peerIdFromKey } from '../network/peer-key.ts';
import { type Handler, ok, refusal, unary } from './handler.ts';

export interface EvidenceDeps {
  /** Encoded audit receipts about a peer whose pairing fails, each about one segment; in a stable order. */
  readonly evidence: { about(peer: string, signal: AbortSignal): AsyncIterable<Uint8Array> };
}

const PAGE_OVERHEAD_BYTES = 1024;
const MAX_PAGE_BUNDLES = 256;

/** What this node can prove about a peer; whoever asks verifies it again (protocol v1 §6). */
export function evidenceHandler({ evidence }: EvidenceDeps): Handler {
  return unary(async (bytes, caller) => {
    const { peer, after } = evidenceRequest.decode(bytes);
    const bundles: Uint8Array[] = [];
    let skipping = after !== undefined;
    let size = PAGE_OVERHEAD_BYTES;
    let more = false;
    for await (const bundle of evidence.about(peerIdFromKey(peer), caller.signal)) {
      if (skipping) {
        skipping = !equalBytes(createHash('sha256').update(bundle).digest(), after as Uint8Array);
        continue;
      }
      // Cannot be sent; what is about one shard is far smaller.
      if (bundle.length > MAX_EVIDENCE_PAGE_BYTES - PAGE_OVERHEAD_BYTES) continue;
      more = bundles.length === MAX_PAGE_BUNDLES || size + bundle.length > MAX_EVIDENCE_PAGE_BYTES;
      if (more) break;
      bundles.push(bundle);
      size += bundle.length + 8;
    }
    if (skipping)
      return refusal('invalid-request', 'unknown-bundle', 'the page before ended with a bundle that is not here');
    return ok(evidenceResponse.encode({ bundles, more }));
  });
}

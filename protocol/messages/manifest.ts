import type { CID } from 'multiformats/cid';
import { link } from '../fields.ts';
import { structure } from '../structure.ts';

/** Asks for a node of a manifest, root or segment; the body of the answer is its bytes. */
export interface ManifestRequest {
  readonly cid: CID;
}

export const manifestRequest = structure<ManifestRequest>('manifest request', 1024, { cid: link('node') });

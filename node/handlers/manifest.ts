import { manifestRequest } from '../../protocol/messages/manifest.ts';
import type { NodeSource } from '../manifest/segment-directory.ts';
import { type Handler, ok, refusal, unary } from './handler.ts';

/** A node of a manifest, root or segment; its CID authenticates it. */
export function manifestHandler({ manifests }: { manifests: NodeSource }): Handler {
  return unary(async (bytes) => {
    const { cid } = manifestRequest.decode(bytes);
    const node = await manifests.get(cid);
    return node === undefined ? refusal('not-held', 'unknown-node', `${cid} is not held here`) : ok(node);
  });
}

import { equalBytes } from '../../protocol/bytes.ts';
import { type Advert, decodeAdvert, encodeAdvert, verifyAdvert } from '../../protocol/hello.ts';
import { type Handler, ok, refusal, unary } from './handler.ts';

export interface HelloDeps {
  readonly network: Uint8Array;
  /** What this node says about itself now. */
  readonly ownAdvert: () => Promise<Advert>;
  readonly onAdvert: (advert: Advert) => void;
}

/** Two peers tell each other what they offer. */
export function helloHandler({ network, ownAdvert, onAdvert }: HelloDeps): Handler {
  return unary(async (bytes, caller) => {
    const advert = decodeAdvert(bytes);
    if (!equalBytes(advert.network, network))
      return refusal('not-allowed', 'other-network', 'the advert is of another network');
    if (!equalBytes(advert.peer, caller.remoteKey) || !verifyAdvert(advert)) {
      return refusal('invalid-request', 'bad-signature', 'a peer brings its own signed advert');
    }
    onAdvert(advert);
    return ok(encodeAdvert(await ownAdvert()));
  });
}

import { base64url } from 'multiformats/bases/base64';
import type { CID } from 'multiformats/cid';
import { StructureError } from './cbor.ts';
import { parseCid } from './cid.ts';
import { FILE_KEY_BYTES } from './constants.ts';
import { CodedError } from './errors.ts';

export type LinkErrorType =
  | { readonly code: 'not-a-link' }
  | { readonly code: 'bad-root' }
  | { readonly code: 'bad-key' };

/** Never holds the link: a key in it must not reach logs. */
export class LinkError extends CodedError<LinkErrorType> {}

/** What `holdfast:<root CID>#<key>` says; without the key an object can be checked and repaired but not read. */
export interface Link {
  readonly root: CID;
  /** 32 bytes. */
  readonly key?: Uint8Array;
}

const SCHEME = 'holdfast:';

export function formatLink(root: CID, key?: Uint8Array): string {
  if (key === undefined) return `${SCHEME}${root}`;
  if (key.length !== FILE_KEY_BYTES) throw new RangeError(`a file key has ${FILE_KEY_BYTES} bytes`);
  return `${SCHEME}${root}#${base64url.baseEncode(key)}`;
}

/** @throws LinkError */
export function parseLink(text: string): Link {
  if (!text.startsWith(SCHEME) || text.length > 256) {
    throw new LinkError({ code: 'not-a-link' }, `this is not a link: it must look like ${SCHEME}<root>#<key>`);
  }
  const rest = text.slice(SCHEME.length);
  const hash = rest.indexOf('#');
  const root = readRoot(hash < 0 ? rest : rest.slice(0, hash));
  return hash < 0 ? { root } : { root, key: readKey(rest.slice(hash + 1)) };
}

function readRoot(text: string): CID {
  try {
    return parseCid(text);
  } catch (cause) {
    if (!(cause instanceof StructureError)) throw cause;
    throw new LinkError({ code: 'bad-root' }, 'the link does not name a file: check that it was copied completely', {
      cause,
    });
  }
}

function readKey(text: string): Uint8Array {
  let key: Uint8Array | undefined;
  try {
    key = base64url.baseDecode(text);
  } catch {
    // The cause would quote the key.
  }
  if (key?.length !== FILE_KEY_BYTES || base64url.baseEncode(key) !== text) {
    throw new LinkError(
      { code: 'bad-key' },
      'the key behind # in the link is damaged: check that it was copied completely',
    );
  }
  return key;
}

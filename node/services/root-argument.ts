import type { CID } from 'multiformats/cid';
import { StructureError } from '../../protocol/cbor.ts';
import { parseCid } from '../../protocol/cid.ts';
import { ApiError } from '../api/problem.ts';

/** @throws ApiError 'invalid-request' */
export function rootOf(text: string): CID {
  try {
    return parseCid(text);
  } catch (cause) {
    if (!(cause instanceof StructureError)) throw cause;
    throw new ApiError('invalid-request', `"${text}" is not the id of a file: it begins with bafyrei`, { cause });
  }
}

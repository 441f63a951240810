import { bitmapOf } from '../../protocol/bitmap.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { StructureErrorType } from '../../protocol/cbor.ts';
import { CREATED, OWNER } from './fixtures.ts';
import { change } from './mutate.ts';

type Fault = readonly [why: string, bytes: Uint8Array, code: StructureErrorType['code'], padTo?: number];

/** What no notice of a repair may be. */
export function noticeFaults(notice: Uint8Array): Fault[] {
  return [
    ['no stripes', change(notice, { stripes: new Uint8Array(0) }), 'bad-field'],
    ['a stripe that no segment has', change(notice, { stripes: bitmapOf([1024]) }), 'bad-field'],
    ['an unknown kind', change(notice, { kind: 'release' }), 'bad-field'],
    ['it ends before it begins', change(notice, { expiresAt: CREATED - 1 }), 'inconsistent'],
    ['more than 4 KiB', notice, 'oversize', 4097],
  ];
}

/** Notices whose fields were changed after they were signed. */
export function forgedNotices(notice: Uint8Array): object[] {
  return [
    ['a changed field', change(notice, { kind: 'done' })] as const,
    ['another repairer', change(notice, { repairer: OWNER.publicKey })] as const,
  ].map(([why, bytes]) => ({ structure: 'repairNotice', why, bytes: toHex(bytes) }));
}

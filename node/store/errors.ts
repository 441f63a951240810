import { toHex } from '../../protocol/bytes.ts';
import { CodedError } from '../../protocol/errors.ts';

/** One reference that was asked for: index in its segment, and SHA-256 of the shard. */
export interface ShardEntry {
  readonly index: number;
  readonly id: Uint8Array;
}

export type StoreErrorType =
  | { readonly code: 'no-space'; readonly neededBytes: number; readonly freeBytes: number }
  | {
      readonly code: 'quota-exceeded';
      readonly owner: string;
      readonly quota: 'staged' | 'stored' | 'upload-record' | 'manifest';
      readonly neededBytes: number;
      readonly usedBytes: number;
      readonly limitBytes: number;
    }
  | { readonly code: 'hash-mismatch'; readonly id: Uint8Array }
  | { readonly code: 'wrong-size'; readonly id: Uint8Array; readonly bytes: number }
  | { readonly code: 'unexpected-shard'; readonly id: Uint8Array }
  | { readonly code: 'damaged'; readonly id: Uint8Array }
  | { readonly code: 'damaged-record'; readonly table: string; readonly key: Uint8Array }
  | { readonly code: 'not-held'; readonly missing: readonly ShardEntry[] }
  | { readonly code: 'home-in-use'; readonly path: string }
  | { readonly code: 'not-initialised'; readonly path: string }
  | { readonly code: 'damaged-home'; readonly path: string; readonly reason: string }
  | { readonly code: 'disk-full'; readonly path: string }
  | { readonly code: 'no-access'; readonly path: string }
  | { readonly code: 'io-error'; readonly path: string }
  | { readonly code: 'schema-too-new'; readonly path: string; readonly found: number; readonly supported: number }
  | { readonly code: 'closed' };

/** Every failure of `node/store`. Messages are one line: what happened, to what, what to do. */
export class StoreError extends CodedError<StoreErrorType> {
  constructor(type: StoreErrorType, options?: ErrorOptions) {
    super(type, describe(type), options);
  }
}

function describe(type: StoreErrorType): string {
  switch (type.code) {
    case 'no-space':
      return `no space for ${type.neededBytes} bytes, ${type.freeBytes} free: raise the capacity or use another peer`;
    case 'quota-exceeded':
      return `quota of ${type.limitBytes} ${type.quota} bytes for ${type.owner} exceeded: ${type.usedBytes} used, ${type.neededBytes} more asked`;
    case 'hash-mismatch':
      return `bytes do not hash to ${toHex(type.id)}: send them again`;
    case 'wrong-size':
      return `shard ${toHex(type.id)} has ${type.bytes} bytes: shards have one size`;
    case 'unexpected-shard':
      return `shard ${toHex(type.id)} was not announced when staging`;
    case 'damaged':
      return `stored shard ${toHex(type.id)} is damaged: it must be declared lost and repaired from the network`;
    case 'damaged-record':
      return `record ${toHex(type.key)} of table ${type.table} is damaged: run holdfast doctor`;
    case 'not-held':
      return `${type.missing.length} shards are not held here: stage them first`;
    case 'home-in-use':
      return `${type.path} is in use by another process: stop it or set HOLDFAST_HOME to another folder`;
    case 'not-initialised':
      return `${type.path} is not initialised: run holdfast init`;
    case 'damaged-home':
      return `${type.path} is damaged (${type.reason}): nothing was changed, run holdfast doctor`;
    case 'disk-full':
      return `no space left on the disk of ${type.path}: free some, writing resumes by itself`;
    case 'no-access':
      return `${type.path} may not be read or written: run as its owner or correct its permissions`;
    case 'io-error':
      return `the disk failed under ${type.path}: check the disk, then run holdfast doctor`;
    case 'schema-too-new':
      return `${type.path} has schema ${type.found}, this version knows up to ${type.supported}: upgrade holdfast`;
    case 'closed':
      return 'the store is closed';
  }
}

/** Whether a record was met that cannot be read. */
export function isDamagedRecord(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'damaged-record';
}

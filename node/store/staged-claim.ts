import { concat, u64 } from '../../protocol/bytes.ts';
import { openValue, sealValue } from './checked-value.ts';
import { u64At } from './key-codec.ts';
import { uploadKey } from './shard-keys.ts';
import type { Operation } from './write-queue.ts';

export const UPLOAD_BYTES = 16;
/** protocol v1 §4.1: a staged shard dies 1 hour after the last traffic of its upload, 7 days at most. */
export const STAGED_IDLE_MS = 60 * 60 * 1000;
export const STAGED_MAX_MS = 7 * 24 * STAGED_IDLE_MS;

/** An owner's hold on a staged shard. */
export interface StagedClaim {
  readonly upload: Uint8Array;
  readonly stagedAt: number;
}

export function claimOperation(key: Uint8Array, { upload, stagedAt }: StagedClaim): Operation {
  return { type: 'put', key, value: sealValue(key, concat(upload, u64(stagedAt))) };
}

/** A damaged claim still counts as one, of an upload nobody knows and as old as can be: the next sweep ends it. */
export function readClaim(key: Uint8Array, sealed: Uint8Array): StagedClaim {
  const value = openValue(key, sealed);
  if (value === undefined) return { upload: new Uint8Array(UPLOAD_BYTES), stagedAt: 0 };
  return { upload: value.slice(0, UPLOAD_BYTES), stagedAt: u64At(value, UPLOAD_BYTES) };
}

export function trafficOperation(owner: string, upload: Uint8Array, now: number): Operation {
  const key = uploadKey(owner, upload);
  return { type: 'put', key, value: sealValue(key, u64(now)) };
}

/** When the upload was last heard of; 0 when that is not known. */
export function readTraffic(key: Uint8Array, sealed: Uint8Array | undefined): number {
  const value = sealed === undefined ? undefined : openValue(key, sealed);
  return value === undefined ? 0 : u64At(value, 0);
}

export const isExpired = (claim: StagedClaim, lastTraffic: number, now: number): boolean =>
  now >= lastTraffic + STAGED_IDLE_MS || now >= claim.stagedAt + STAGED_MAX_MS;

import type { CID } from 'multiformats/cid';
import {
  CodeError,
  type CodeId,
  type CodeParameters,
  defaultCode,
  formatCode,
  validateCode,
} from '../../protocol/code.ts';
import { PlacementError, tooFewPeers } from '../placement/placement-error.ts';
import type { CommitmentChoice, CommitmentMode } from './commitment-choice.ts';
import type { HolderChooser } from './ports.ts';
import { bytesPerHolder, requiredShards } from './required-shards.ts';
import { TransferError } from './transfer-error.ts';

export interface AddProgress {
  readonly phase: 'store' | 'finalize';
  /** Plaintext bytes taken from the source so far. */
  readonly bytes: number;
  /** Shards stored (phase `store`) or signed for (phase `finalize`) so far. */
  readonly shards: number;
}

export interface AddOptions {
  readonly kind: 'file' | 'tree';
  /** Trees: bytes of the index that ends the source. */
  readonly indexLength?: number;
  /** For the catalog; never leaves this node. */
  readonly name?: string;
  /** `auto`: the widest standard parameters that the eligible peers allow. */
  readonly code?: 'auto' | { readonly k: number; readonly m: number };
  /** Absent: `fr-lagrange`, and `replica` in a network of one or two peers. */
  readonly codeId?: CodeId;
  /** Identity of the source: an unfinished upload of the same source, kind and code goes on. Absent: never resumed. */
  readonly sourceId?: string;
  /** Shards of each stripe (of k+m) that must be signed for; absent: all. */
  readonly minShards?: number;
  /** Who computes the commitments (protocol v1 §4.2); absent: `auto`. */
  readonly commitments?: CommitmentMode | 'auto';
  /** Bytes of the source, when known: holders are then drawn for the room that is really needed. Nothing else trusts it. */
  readonly sizeHint?: number;
  readonly onProgress?: (progress: AddProgress) => void;
  readonly signal?: AbortSignal;
}

export interface AddResult {
  readonly root: CID;
  readonly key: Uint8Array;
  readonly link: string;
  readonly size: number;
  readonly kind: 'file' | 'tree';
  readonly code: CodeParameters;
  readonly stripes: number;
  readonly shards: number;
  readonly storedBytes: number;
  readonly holders: number;
  /** Bytes that holders had already from an earlier, interrupted run. */
  readonly resumedBytes: number;
  /** Who computed the commitments at last, why, and how many were taken from holders after a check. */
  readonly commitments: CommitmentChoice & { readonly claimed: number };
  readonly warnings: readonly string[];
}

/** Copies of a replica when nothing is said: enough to survive two losses. */
const MAX_AUTO_COPIES = 3;

function isAuto(code: AddOptions['code']): code is 'auto' | undefined {
  return code === undefined || code === 'auto';
}

/** @throws PlacementError 'too-few-peers', TransferError 'bad-option' */
export function chooseCode(options: Pick<AddOptions, 'code' | 'codeId'>, eligible: number): CodeParameters {
  const { code, codeId } = options;
  if (!isAuto(code)) {
    const chosen = { id: codeId ?? 1, k: code.k, m: code.m };
    try {
      validateCode(chosen);
    } catch (cause) {
      if (!(cause instanceof CodeError)) throw cause;
      throw new TransferError({ code: 'bad-option', option: 'code' }, cause.message, { cause });
    }
    return chosen;
  }
  const standard = codeId === 0 ? undefined : defaultCode(eligible, codeId ?? 1);
  if (standard !== undefined) return standard;
  if (codeId === 1 || codeId === 2) throw tooFewPeers(3, eligible);
  if (eligible === 0) throw tooFewPeers(1, 0);
  return { id: 0, k: 1, m: Math.min(eligible, MAX_AUTO_COPIES) - 1 };
}

/**
 * The code for a new upload, whose holders have room for their part of what is expected. A narrower code needs more room
 * at each: where too few have it, the number of those who do decides anew.
 *
 * @throws PlacementError 'too-few-peers', TransferError 'bad-option'
 */
export function roomyCode(options: AddOptions, chooser: Pick<HolderChooser, 'eligible'>): CodeParameters {
  for (let eligible = chooser.eligible().length; ; ) {
    const code = chooseCode(options, eligible);
    if (!isAuto(options.code)) return code;
    const roomy = chooser.eligible({ bytesEach: bytesPerHolder(code, options.sizeHint) }).length;
    if (code.k + code.m <= roomy) return code;
    eligible = roomy;
  }
}

/** @throws TransferError 'bad-option' */
export function checkMinShards(minShards: number | undefined, code: CodeParameters): void {
  if (minShards === undefined) return;
  const least = code.id === 0 ? 1 : code.k + 1;
  if (Number.isSafeInteger(minShards) && minShards >= least && minShards <= code.k + code.m) return;
  const message = `at least ${minShards} shards do not fit ${formatCode(code)}: ask for ${least} to ${code.k + code.m}`;
  throw new TransferError({ code: 'bad-option', option: 'minShards' }, message);
}

/**
 * Whether a code that an upload began with is one that these options would take. Under `auto` any is: how many peers are
 * there at this moment must not cost what is done.
 */
export function fitsCode(code: CodeParameters, options: AddOptions): boolean {
  if (options.codeId !== undefined && options.codeId !== code.id) return false;
  if (isAuto(options.code)) return true;
  const { k, m } = options.code;
  return k === code.k && m === code.m && (options.codeId ?? 1) === code.id;
}

/** An upload that goes on keeps its code, also while peers are away. @throws PlacementError 'too-few-peers' */
export function checkPresent(code: CodeParameters, options: AddOptions, present: number): void {
  if (!isAuto(options.code)) return;
  const needed = requiredShards(code, code.k, options.minShards);
  if (present >= needed) return;
  const { k, m } = code;
  const message = `an interrupted upload of this goes on with ${k}+${m}, which needs ${needed} peers with free space, and ${present} are there: connect more peers, or add it anew with --no-resume`;
  throw new PlacementError({ code: 'too-few-peers', needed, present }, message);
}

/** @throws TransferError 'bad-option' */
export function checkIndexLength({ kind, indexLength }: AddOptions): void {
  if ((kind === 'tree') !== (indexLength !== undefined)) throw badIndexLength();
}

export function badIndexLength(): TransferError {
  const message = 'a tree needs the length of the index that ends it, and nothing else has one';
  return new TransferError({ code: 'bad-option', option: 'indexLength' }, message);
}

import { hash } from 'node:crypto';
import type { CID } from 'multiformats/cid';
import { concat, u32 } from '../../protocol/bytes.ts';

/**
 * The order in which one cycle covers what a holder signed for: by a hash of the cycle's secret seed and the segment.
 * It is drawn anew for every cycle, nobody else can tell what comes next, and neither the order nor what was covered
 * needs to be kept: a position in it says both. What appears behind the position joins the cycle, the rest the next.
 */
export interface CyclePosition {
  /** All segments of a lower rank are covered. */
  readonly rank: string;
  /** Of the segment of this very rank, all shards of a lower index. */
  readonly index: number;
}

export const CYCLE_START: CyclePosition = { rank: '', index: 0 };
/** Above every rank, which is hex. */
export const CYCLE_END: CyclePosition = { rank: '~', index: 0 };

/** 128 bits, so that no two segments of a holder share one. */
const RANK_DIGITS = 32;
/** What a number holds exactly. */
const FRACTION_DIGITS = 12;
const WHOLE = 16 ** FRACTION_DIGITS;

export function rankOf(seed: Uint8Array, root: CID, segment: CID): string {
  return hash('sha256', concat(seed, root.bytes, segment.bytes), 'hex').slice(0, RANK_DIGITS);
}

/** The position behind all shards of a segment below `index`. */
export function positionAt(rank: string, index: number = Number.MAX_SAFE_INTEGER): CyclePosition {
  return { rank, index };
}

export function isCycleEnd({ rank }: CyclePosition): boolean {
  return rank === CYCLE_END.rank;
}

/** The share of the cycle that lies before the position, 0 to 1: ranks are spread evenly. */
export function fractionOf(position: CyclePosition): number {
  if (isCycleEnd(position)) return 1;
  return position.rank === '' ? 0 : Number.parseInt(position.rank.slice(0, FRACTION_DIGITS), 16) / WHOLE;
}

/** A number in [0, 1) that the seed decides, another one at each position. */
export function jitterAt(seed: Uint8Array, { rank, index }: CyclePosition): number {
  const digest = hash('sha256', concat(seed, new TextEncoder().encode(rank), u32(index % 2 ** 32)), 'hex');
  return Number.parseInt(digest.slice(0, FRACTION_DIGITS), 16) / WHOLE;
}

/** A node that is not among the first guardians of an object audits the holders of it in one of so many cycles. */
export const RARE_CYCLES = 6;

/**
 * Whether the cycle is the one in which a bystander audits the holder about an object. Each has its own, so that those of a
 * large object do not ask all at once, and one of many asks soon.
 *
 * With c the length of a cycle, and whoever the first guardians are, every bystander has asked about all that a holder keeps
 * of an object after RARE_CYCLES·c, or after one c more for what came in the midst of a cycle: 7 days where c is a day.
 */
export function isRareTurn(cycle: number, auditor: Uint8Array, holder: Uint8Array, root: CID): boolean {
  const [offset] = hash('sha256', concat(auditor, holder, root.bytes), 'buffer');
  return (cycle + (offset as number)) % RARE_CYCLES === 0;
}

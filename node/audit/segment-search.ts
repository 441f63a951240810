import type { CID } from 'multiformats/cid';
import type { Clock } from '../clock.ts';
import type { LoadedSegment } from '../manifest/loaded-segment.ts';
import { cidName } from '../manifest/segment-directory.ts';
import { DeadlinePassed, withDeadline } from '../network/deadline.ts';
import { WeightedCache } from '../weighted-cache.ts';
import type { SegmentLoader } from './selections.ts';

/** For all that one set needs: whoever stalls must not keep one of the few audits that run at a time. */
const TOTAL_MS = 10_000;
/** An object whose manifests stall is looked for only here meanwhile, whichever of its holders and segments are next. */
const STALLED_MS = 3_600_000;
/** Objects of which that is remembered; of those beyond, the next look takes its time again. */
const REMEMBERED = 1024;

/** `late`: time was up before this segment had a share of it, which says nothing about it. */
export type Missing = 'out-of-reach' | 'late';
export type Seek = (root: CID, segment: CID) => Promise<LoadedSegment | Missing>;

/** Looks segments up for audits, with an end. */
export class SegmentSearch {
  readonly #segments: SegmentLoader;
  readonly #kept: SegmentLoader;
  readonly #clock: Clock;
  /** Root → until when it counts as stalled, monotonic. */
  readonly #stalled = new WeightedCache<number>(REMEMBERED);

  /** @param kept what is kept here of them. */
  constructor(segments: SegmentLoader, kept: SegmentLoader, clock: Clock) {
    this.#segments = segments;
    this.#kept = kept;
    this.#clock = clock;
  }

  /** A look-up for the segments of one set; the time for all of them begins. */
  begin(signal: AbortSignal): Seek {
    const end = this.#clock.monotonic() + TOTAL_MS;
    return (root, segment) => this.#seek(root, segment, end, signal);
  }

  async #seek(root: CID, segment: CID, end: number, signal: AbortSignal): Promise<LoadedSegment | Missing> {
    const began = this.#clock.monotonic();
    if (began >= end) return 'late';
    if ((this.#stalled.get(cidName(root)) ?? 0) > began) {
      // One that is damaged here is as good as none.
      return (await this.#kept.load(root, segment).catch(() => undefined)) ?? 'out-of-reach';
    }
    const load = (limited: AbortSignal) => this.#segments.load(root, segment, limited);
    try {
      return (await withDeadline(this.#clock, end - began, signal, load)) ?? 'out-of-reach';
    } catch (error) {
      if (!(error instanceof DeadlinePassed)) throw error;
      const now = this.#clock.monotonic();
      if (now - began < TOTAL_MS / 2) return 'late';
      this.#stalled.set(cidName(root), now + STALLED_MS, 1);
      return 'out-of-reach';
    }
  }
}

import type { Machine } from '../../node/bench/machine.ts';
import type { ProcessMemory } from '../../node/bench/results.ts';

/** What the comparison with other systems prints; rates in millions of bytes, all figures medians. */
export interface PeersReport {
  readonly machine: Machine;
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly fileBytes: number;
  readonly rounds: number;
  readonly systems: readonly ComparedSystem[];
}

export interface ComparedSystem {
  readonly name: 'Holdfast' | 'Helia' | 'Hyperdrive';
  readonly version: string;
  /** What its `add` does, and from whom its `get` gets. */
  readonly what: string;
  readonly addMegabytesPerSecond: number;
  readonly getMegabytesPerSecond: number;
  /** Of the process that adds, or gets, with all its threads. */
  readonly addCpuSecondsPerGib: number;
  readonly getCpuSecondsPerGib: number;
  readonly memory: readonly ProcessMemory[];
}

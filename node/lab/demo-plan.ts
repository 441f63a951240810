import { mkdtemp, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type CodeParameters, codeId, defaultCode, validateCode } from '../../protocol/code.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { dataShardCount, stripeCount } from '../../protocol/geometry.ts';
import { LabError } from './lab-error.ts';

export interface DemoSize {
  readonly fileBytes: number;
  /** The node that adds the file included. */
  readonly nodes: number;
  /** `auto`: the widest standard parameters that the other nodes allow. */
  readonly code: 'auto' | { readonly k: number; readonly m: number };
  readonly codeName: 'fr-lagrange' | 'gf256';
}

/** What a demo will store, known before anything is started. */
export interface DemoPlan {
  readonly code: CodeParameters;
  readonly stripes: number;
  /** Data and parity. */
  readonly shards: number;
  /** Room each node must offer, whoever is drawn as a holder. */
  readonly capacityBytes: number;
  readonly diskBytes: number;
}

const MIB = 1024 * 1024;
/** Two nodes survive any loss: one to be damaged, one to lie. */
const LEAST_CODE = { k: 2, m: 1 };
/** Beside shards: manifests, receipts, and rounding to whole stage calls. */
const CAPACITY_SLACK_BYTES = 64 * MIB;
/** Per node: ballast 4 MiB, headroom of 20 MiB that writes must leave free, logs and metadata. */
const NODE_DISK_BYTES = 32 * MIB;
/** A table and its compacted successor are on disk together for a while. */
const TABLE_DISK_FACTOR = 1.25;

/** @throws LabError too-few-nodes; CodeError invalid-code */
export function planDemo({ fileBytes, nodes, code: wanted, codeName }: DemoSize): DemoPlan {
  const id = codeId(codeName) as 1 | 2;
  const eligible = nodes - 1;
  const code = wanted === 'auto' ? defaultCode(eligible, id) : { id, ...wanted };
  if (code === undefined) throw tooFewNodes(LEAST_CODE, nodes);
  checkCode(code, nodes);
  const layout = { payload: 'packed31', size: fileBytes, code } as const;
  const stripes = stripeCount(layout);
  const shards = dataShardCount(layout) + stripes * code.m;
  return {
    code,
    stripes,
    shards,
    // One shard of a stripe per node.
    capacityBytes: stripes * SHARD_BYTES + CAPACITY_SLACK_BYTES,
    diskBytes: shardDiskBytes(shards) + nodes * NODE_DISK_BYTES,
  };
}

/** What shards take on the disk. */
export function shardDiskBytes(shards: number): number {
  return Math.ceil(shards * SHARD_BYTES * TABLE_DISK_FACTOR);
}

/** Whether a code exists, and these nodes are enough for it. @throws LabError too-few-nodes; CodeError invalid-code */
export function checkCode(code: CodeParameters, nodes: number): void {
  validateCode(code);
  if (code.k + code.m > nodes - 1) throw tooFewNodes(code, nodes);
}

/** A new folder of its own below `parent`, whose disk has room for `bytes`. @throws LabError too-little-space; errors of the file system */
export async function makeDemoFolder(parent: string, bytes: number): Promise<string> {
  const { bavail, bsize } = await statfs(parent);
  const free = bavail * bsize;
  if (free < bytes) {
    const message = `${parent} has ${inMib(free)} free and the demo needs about ${inMib(bytes)}: choose another place with --folder, a smaller file or fewer nodes`;
    throw new LabError({ code: 'too-little-space', path: parent, needed: bytes, free }, message);
  }
  return mkdtemp(join(parent, 'holdfast-demo-'));
}

function tooFewNodes({ k, m }: { readonly k: number; readonly m: number }, nodes: number): LabError {
  const needed = k + m + 1;
  const message = `${nodes} nodes are too few for ${k}+${m}: it takes ${needed}, one that adds the file and ${k + m} that hold it`;
  return new LabError({ code: 'too-few-nodes', nodes, needed }, message);
}

function inMib(bytes: number): string {
  return `${Math.ceil(bytes / MIB)} MiB`;
}

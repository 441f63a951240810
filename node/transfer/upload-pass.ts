import { type Packer, portablePacker } from '../../protocol/blob.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { CodeParameters } from '../../protocol/code.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import type { Aead } from '../../protocol/frame.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { linkedController } from './abortable.ts';
import { BufferPool } from './buffer-pool.ts';
import { CommitmentPlan } from './commitment-plan.ts';
import { Commitments } from './commitments.ts';
import type { UploadJournal } from './journal.ts';
import type { Limiter } from './limiter.ts';
import type { CodeBook, Committer, EvidenceBook, HolderChooser, StageClient } from './ports.ts';
import { bytesPerHolder } from './required-shards.ts';
import { Staging } from './staging.ts';
import type { StripeReader } from './stripe-reader.ts';
import type { AddOptions } from './upload-options.ts';
import { stripesInFlight, UploadRun } from './upload-run.ts';

/** What the uploads of a node share. */
export interface PassDeps {
  readonly client: StageClient;
  readonly chooser: HolderChooser;
  readonly committer: Committer;
  readonly codes: CodeBook;
  readonly aead: Aead;
  /** Default: the definition. */
  readonly packer?: Packer;
  readonly evidence: EvidenceBook;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  readonly log: Logger;
  /** Configured limit; absent: none. */
  readonly uploadBytesPerSecond?: number;
  /** Bytes of shards in memory per upload, data and parity; two stripes at least. */
  readonly maxBufferBytes?: number;
  /** Bounds the jobs waiting in the engine, and the stripes waiting for parity, over all uploads. */
  readonly commits: Limiter;
  readonly encodes: Limiter;
  /** Bounds the calls that bring shards to holders, over all uploads. */
  readonly calls: Limiter;
}

/** Holders give up a call that brings nothing for 30 s; half of it leaves room for what else is sent. */
const MAX_PAUSE_MS = 15_000;

/** Calls at a time: under a cap they take turns, shard by shard, and each must have its turn in time. */
export function callsInFlight(uploadBytesPerSecond = Number.POSITIVE_INFINITY): number {
  return Math.max(1, Math.floor((uploadBytesPerSecond * MAX_PAUSE_MS) / 1000 / SHARD_BYTES));
}

/** One upload, as far as a pass over its source needs to know it. */
export interface PassTarget {
  readonly options: AddOptions;
  readonly controller: AbortController;
  readonly reader: StripeReader;
  readonly warn: (warning: string) => void;
  storedShards: number;
  resumedShards: number;
}

/** One pass over a source under one journal, and what there is to ask about it afterwards. */
export interface UploadPass {
  readonly run: UploadRun;
  readonly staging: Staging;
  readonly plan: CommitmentPlan;
  readonly commitments: Commitments;
  readonly unlink: () => void;
}

const DEFAULT_BUFFER_BYTES = 48 * 1024 * 1024;

export function preparePass(deps: PassDeps, target: PassTarget, journal: UploadJournal): UploadPass {
  const {
    client,
    chooser,
    clock,
    codes,
    aead,
    packer = portablePacker,
    encodes,
    calls,
    maxBufferBytes = DEFAULT_BUFFER_BYTES,
  } = deps;
  const { options, reader } = target;
  const { code } = journal.head;
  const { controller, unlink } = linkedController(target.controller.signal);
  const staging = new Staging({
    client,
    clock,
    calls,
    chooser,
    journal,
    code,
    upload: journal.upload,
    signal: controller.signal,
    minShards: options.minShards,
    bytesEach: bytesPerHolder(code, options.sizeHint),
    warn: target.warn,
    onStaged: (offered, sent) => {
      target.resumedShards += offered - sent;
    },
  });
  const stripes = stripesInFlight(code.k + code.m, maxBufferBytes);
  const plan = planOf(deps, options, code);
  const commitments = commitmentsOf(deps, plan, staging, code, stripes, controller.signal);
  const run = new UploadRun({
    journal,
    staging,
    plan,
    commitments,
    encodes,
    code: codes(code.id),
    aead,
    packer,
    controller,
    pool: new BufferPool(stripes, code.k * SHARD_BYTES),
    onStripe: (shards) => {
      target.storedShards += shards;
      options.onProgress?.({ phase: 'store', bytes: reader.size, shards: target.storedShards });
    },
  });
  return { run, staging, plan, commitments, unlink };
}

function planOf(deps: PassDeps, { commitments: asked = 'auto' }: AddOptions, code: CodeParameters): CommitmentPlan {
  const { clock, committer, log, uploadBytesPerSecond = Number.POSITIVE_INFINITY } = deps;
  return new CommitmentPlan({
    asked,
    code,
    cores: committer.threads,
    uploadBytesPerSecond,
    monotonic: () => clock.monotonic(),
    onDecided: ({ mode, reason }) => log.info('who computes the commitments of an upload', { mode, reason }),
  });
}

function commitmentsOf(
  { clock, committer, commits, evidence, log, random }: PassDeps,
  plan: CommitmentPlan,
  staging: Pick<Staging, 'failLiar'>,
  { id, k, m }: CodeParameters,
  stripes: number,
  signal: AbortSignal,
): Commitments {
  return new Commitments({
    committer,
    plan,
    commits,
    evidence,
    onLiar: (peer, { claim: { upload }, id: shard, right }) => {
      const what = { peer, shard: toHex(shard), upload: toHex(upload), right: toHex(right) };
      log.warn('a holder signed a wrong commitment', what);
      staging.failLiar(peer);
    },
    clock,
    random,
    stripes,
    claimsPerStripe: id === 2 ? k + m : k,
    signal,
  });
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '../../../protocol/bytes.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import { type AuditAnswer, auditAnswer, auditRequest } from '../../../protocol/messages/audit.ts';
import { Auditor } from '../../audit/auditor.ts';
import { Selection } from '../../audit/selection.ts';
import { identityFromSeed } from '../../identity/identity.ts';
import { createKzgEngine } from '../../kzg/create-engine.ts';
import type { KzgEngine } from '../../kzg/engine.ts';
import { silentLogger } from '../../log.ts';
import type { BenchContext } from '../bench-context.ts';
import { anonymousBytes, MemoryWatch } from '../memory-watch.ts';
import { ForkedProcess } from '../network/forked-process.ts';
import { openShardFolder } from '../shard-folder.ts';
import { AUDIT_NETWORK, type AuditObject, makeAuditObject, receiptFor } from './audit-object.ts';
import type { ProofAnswer, ProofRequest } from './prover-messages.ts';

type ProverProcess = ForkedProcess<string, ProofRequest, ProofAnswer>;

/** What one audit took; milliseconds. */
export interface AuditFigures {
  /** In the process of the prover, from the decoded request to the encoded answer. */
  readonly prove: number;
  /** All that the auditor does: challenge, digest, combination of the commitments, pairing. */
  readonly verify: number;
  /** Response, list of missing shards and signature. */
  readonly responseBytes: number;
  /** Most anonymous memory of the prover meanwhile, above what it had after a small proof; undefined where the system does not say. */
  readonly memoryBytes: number | undefined;
}

const SAMPLE_MS = 20;
const WARM_UP_SHARDS = 64;

/** A holder of up to 1 GiB, its LevelDB on disk and itself in a process of its own, and an auditor in this one. */
export class AuditBench {
  readonly #context: BenchContext;
  readonly #engine: KzgEngine;
  readonly #object: AuditObject;
  readonly #prover: ProverProcess;
  readonly #identities: { readonly holder: Identity; readonly owner: Identity };

  /** Anonymous memory of the prover after its first small proof. */
  #idleBytes: number | undefined;

  private constructor(
    context: BenchContext,
    engine: KzgEngine,
    object: AuditObject,
    prover: ProverProcess,
    identities: { readonly holder: Identity; readonly owner: Identity },
  ) {
    this.#context = context;
    this.#engine = engine;
    this.#object = object;
    this.#prover = prover;
    this.#identities = identities;
  }

  static async start(stack: AsyncDisposableStack, context: BenchContext, shards: number): Promise<AuditBench> {
    const { clock, random, signal } = context;
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-audit-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const engine = createKzgEngine();
    await engine.start();
    stack.defer(() => engine.stop());
    const seed = random(32);
    const holder = identityFromSeed(seed);
    const owner = identityFromSeed(random(32));
    const { store, close } = await openShardFolder(folder, clock);
    const upload = random(16);
    const object = await makeAuditObject(
      engine,
      owner,
      shards,
      async (batch) => {
        const ids = batch.map(({ id }) => id);
        const ticket = await store.stage('bench', upload, ids);
        for (const { id, bytes } of batch) await ticket.put(id, bytes);
        await ticket.commit();
      },
      signal,
    ).finally(close);
    const nodes = [object.rootBytes, ...object.segments.map(({ bytes }) => bytes)];
    const names = nodes.map((bytes) => nodeCid(bytes).toString());
    for (const [i, bytes] of nodes.entries()) await writeFile(join(folder, names[i] as string), bytes);
    const module = new URL('./prover-process.ts', import.meta.url);
    const prover: ProverProcess = await ForkedProcess.start(module, [folder, toHex(seed), ...names], signal);
    stack.defer(() => prover.stop());
    const bench = new AuditBench(context, engine, object, prover, { holder, owner });
    // Kernels load and all code has run; then points are decoded once, on both sides.
    await bench.audit(Math.min(shards, WARM_UP_SHARDS));
    bench.#idleBytes = await anonymousBytes(prover.pid);
    await bench.audit(shards);
    return bench;
  }

  /** Audits the first `count` shards. */
  async audit(count: number): Promise<AuditFigures> {
    const { clock, random, signal } = this.#context;
    const { holder, owner } = this.#identities;
    const selection = this.#selection(count);
    let prove = 0;
    let asked = 0;
    let responseBytes = 0;
    const auditor = new Auditor({
      network: AUDIT_NETWORK,
      signer: owner,
      clock,
      random,
      engine: this.#engine,
      log: silentLogger,
      client: {
        audit: async (_, request) => {
          const started = clock.monotonic();
          const { answer, milliseconds } = await this.#prover.call({
            auditor: toHex(owner.publicKey),
            request: Buffer.from(auditRequest.encode(request)).toString('base64'),
          });
          const decoded = auditAnswer.decode(new Uint8Array(Buffer.from(answer, 'base64')));
          responseBytes = bytesOf(decoded);
          prove = milliseconds;
          asked = clock.monotonic() - started;
          return decoded;
        },
      },
    });
    const watch = new MemoryWatch(clock, new Map([['prover', this.#prover.pid]]), SAMPLE_MS);
    const target = { peer: holder.peerId, key: holder.publicKey };
    const { outcome, milliseconds } = await watch.during(() => auditor.audit(target, selection, signal));
    if (outcome.kind !== 'passed') throw new Error(`an audit of ${count} shards ended as ${JSON.stringify(outcome)}`);
    const peak = watch.peaks.get('prover');
    const idle = this.#idleBytes;
    const memoryBytes = idle === undefined || peak === undefined ? undefined : Math.max(0, peak - idle);
    return { prove, verify: milliseconds - asked, responseBytes, memoryBytes };
  }

  #selection(count: number): Selection {
    let left = count;
    const parts = this.#object.segments.flatMap(({ loaded }) => {
      const indices = Array.from({ length: Math.min(left, loaded.segment.stripes.length) }, (_, i) => i);
      left -= indices.length;
      return indices.length === 0
        ? []
        : [{ receipt: receiptFor(this.#identities.holder, loaded), segment: loaded, indices }];
    });
    return new Selection(parts);
  }
}

type Identity = ReturnType<typeof identityFromSeed>;

function bytesOf(answer: AuditAnswer): number {
  if ('refusal' in answer) return answer.refusal.length;
  return answer.missing.reduce((sum, { length }) => sum + length, answer.response.length + answer.sig.length);
}

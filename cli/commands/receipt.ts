import { open } from 'node:fs/promises';
import {
  type ReceiptFile,
  readReceiptFile,
  type VerifiedReceipt,
  verifyReceipt,
} from '../../node/audit/verify-receipt.ts';
import { createKzgEngine } from '../../node/kzg/create-engine.ts';
import { peerIdFromKey } from '../../node/network/peer-key.ts';
import { AuditError } from '../../protocol/audit-error.ts';
import { MAX_AUDIT_EXPORT_BYTES } from '../../protocol/audit-export.ts';
import type { AuditReceipt } from '../../protocol/audit-receipt.ts';
import { StructureError } from '../../protocol/cbor.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { formatTime, plural } from '../format.ts';
import { printable, table, writeResult } from '../output.ts';
import { sourceError } from '../source-file.ts';

/** Checks a receipt again, offline. */
export async function receiptVerify(
  context: CommandContext,
  path: string,
  { manifest }: { readonly manifest?: string },
): Promise<ExitCode> {
  const file = await readExport(path);
  if (file.receipt === undefined) {
    throw new CliError('bad-receipt-file', `${path} holds manifests but no receipt: give it with --manifest`);
  }
  const nodes = manifest === undefined ? file : await readExport(manifest);
  const verdict = await judge(file.receipt, nodes, context.signal);
  await writeResult(context, {
    json: toJson(verdict),
    text: () => describe(verdict),
    quiet: () => ('forged' in verdict ? 'forged' : verdict.outcome),
  });
  if ('forged' in verdict || verdict.outcome === 'invalid-proof') return EXIT.integrity;
  return verdict.outcome === 'passed' ? EXIT.ok : EXIT.degraded;
}

type Verdict = VerifiedReceipt | { readonly forged: string };

async function judge(
  receipt: AuditReceipt,
  nodes: Pick<ReceiptFile, 'roots' | 'segments'>,
  signal: AbortSignal,
): Promise<Verdict> {
  const engine = createKzgEngine();
  try {
    await engine.start();
    return await verifyReceipt(receipt, nodes, engine, signal);
  } catch (error) {
    if (error instanceof AuditError && error.code === 'unknown-segment') {
      const message = `${error.message}: give its manifest with --manifest`;
      throw new CliError('manifest-missing', message, { cause: error });
    }
    if (error instanceof AuditError || error instanceof StructureError) return { forged: error.message };
    throw error;
  } finally {
    await engine.stop();
  }
}

async function readExport(path: string): Promise<ReceiptFile> {
  const bytes = await readBounded(path);
  try {
    return readReceiptFile(bytes);
  } catch (error) {
    if (!(error instanceof StructureError)) throw error;
    const message = `${path} is not the receipt of an audit (${error.message}): see \`holdfast audit show --export\``;
    throw new CliError('bad-receipt-file', message, { cause: error });
  }
}

async function readBounded(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size > MAX_AUDIT_EXPORT_BYTES) {
      throw new CliError('bad-receipt-file', `${path} has ${size} bytes, more than any receipt: check the path`);
    }
    const bytes = new Uint8Array(size);
    const { bytesRead } = await file.read(bytes, 0, size, 0);
    return bytes.subarray(0, bytesRead);
  } catch (error) {
    throw error instanceof CliError ? error : sourceError(path, error);
  }
}

const MEANING = {
  passed: 'the holder proved that it had all of these shards',
  'invalid-proof': 'the proof of the holder fails: what it answered for is not what it signed for',
  'declared-lost': 'the holder said that it lost some of the shards, and proved the rest',
  'not-held': 'the holder said that it does not know some of the shards, which it signed for',
  released: 'the owner had released the shards: nothing was to be proved',
  expired: 'the promise of the holder had expired: nothing was to be proved',
  'busy-until': 'the holder was busy and proved nothing',
} as const satisfies Record<VerifiedReceipt['outcome'], string>;

function describe(verdict: Verdict): string {
  if ('forged' in verdict) return `forged: ${printable(verdict.forged)}`;
  const { challenge, parts, missing, outcome } = verdict;
  return table([
    [outcome, MEANING[outcome]],
    ['holder', peerIdFromKey(challenge.prover)],
    ['auditor', peerIdFromKey(challenge.auditor)],
    ['asked', formatTime(challenge.issuedAt)],
    ['shards', `${challenge.count}${missing === 0 ? '' : `, ${missing} not there`}`],
    ...parts.map(({ root, segment, shards }) => [
      'covers',
      `${plural(shards, 'shard')} of ${root}, segment ${segment}`,
    ]),
  ]);
}

function toJson(verdict: Verdict): unknown {
  if ('forged' in verdict) return { valid: false, reason: verdict.forged };
  const { challenge, parts, missing, outcome } = verdict;
  return {
    valid: true,
    outcome,
    holder: peerIdFromKey(challenge.prover),
    auditor: peerIdFromKey(challenge.auditor),
    issuedAt: challenge.issuedAt,
    shards: challenge.count,
    missing,
    parts: parts.map(({ root, segment, shards }) => ({ root: `${root}`, segment: `${segment}`, shards })),
  };
}

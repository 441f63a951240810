/**
 * A prover in a process of its own. Arguments: the folder with its shards, its seed in hex, and the CIDs of the manifest's
 * nodes, whose bytes are in files of these names, the root first. Requests and answers are base64.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CID } from 'multiformats/cid';
import { fromHex } from '../../../protocol/bytes.ts';
import { auditAnswer, auditRequest } from '../../../protocol/messages/audit.ts';
import type { StoreReceipt } from '../../../protocol/store-receipt.ts';
import { READ_BURST_BYTES } from '../../audit/prove-budget.ts';
import { Prover } from '../../audit/prover.ts';
import { systemClock } from '../../clock.ts';
import { erasureCodes } from '../../coding/codes.ts';
import { ReedSolomon } from '../../coding/reed-solomon.ts';
import { tuneHeap } from '../../heap.ts';
import { identityFromSeed } from '../../identity/identity.ts';
import { createKzgEngine } from '../../kzg/create-engine.ts';
import { silentLogger } from '../../log.ts';
import { keptManifests, SegmentDirectory } from '../../manifest/segment-directory.ts';
import { ignoreInterrupts, serveParent } from '../network/serve-parent.ts';
import { openShardFolder } from '../shard-folder.ts';
import { timed } from '../timed.ts';
import { receiptFor } from './audit-object.ts';
import type { ProofAnswer, ProofRequest } from './prover-messages.ts';

const [folder, seed, ...names] = process.argv.slice(2);
if (folder === undefined || seed === undefined || names.length === 0) {
  throw new Error('prover-process.ts takes a folder, a seed and the nodes of a manifest');
}
const [rootName, ...segmentNames] = names as [string, ...string[]];
const nodeFile = (cid: CID | string) => readFile(join(folder, String(cid)));

ignoreInterrupts();
tuneHeap();
await using stack = new AsyncDisposableStack();
const identity = identityFromSeed(fromHex(seed));
const engine = createKzgEngine();
await engine.start();
stack.defer(() => engine.stop());
const { store, close } = await openShardFolder(folder, systemClock);
stack.defer(close);
const segments = new SegmentDirectory(
  keptManifests({ get: async (cid) => new Uint8Array(await nodeFile(cid)) }),
  erasureCodes(engine, new ReedSolomon()),
);
const root = CID.parse(rootName);
const receipts = new Map<string, StoreReceipt>();
for (const name of segmentNames) {
  const segment = await segments.load(root, CID.parse(name));
  if (segment === undefined) throw new Error(`the manifest has no segment ${name}`);
  receipts.set(name, receiptFor(identity, segment));
}
const unlimited = Number.POSITIVE_INFINITY;
const prover = new Prover({
  network: receipts.values().next().value?.network ?? new Uint8Array(32),
  signer: identity,
  clock: systemClock,
  limits: {
    perHour: 1e9,
    totalPerHour: 1e9,
    bytesPerSecond: unlimited,
    totalBytesPerSecond: unlimited,
    burstBytes: READ_BURST_BYTES,
  },
  engine,
  checksOwn: true,
  log: silentLogger,
  shards: store,
  onDamaged: (id) => {
    throw new Error(`the disk altered shard ${Buffer.from(id).toString('hex')}`);
  },
  segments,
  receipts: { get: async (_, segment) => receipts.get(segment.toString()) },
  releases: { get: async () => undefined },
});

await serveParent('ready', async ({ auditor, request }: ProofRequest): Promise<ProofAnswer> => {
  const asked = auditRequest.decode(new Uint8Array(Buffer.from(request, 'base64')));
  let answer = '';
  const milliseconds = await timed(systemClock, async () => {
    const given = await prover.answer(asked, fromHex(auditor), new AbortController().signal);
    answer = Buffer.from(auditAnswer.encode(given)).toString('base64');
  });
  return { answer, milliseconds };
});

/** One thread that calls c-kzg in a bare loop: a message names the operation and how often, the answer is milliseconds. */
import { parentPort } from 'node:worker_threads';
import cKzg from 'c-kzg';
import { BLOB_BYTES, randomBlob } from './sizes.ts';

export type KzgOperation = 'commit' | 'open' | 'verify';
export interface KzgRequest {
  readonly operation: KzgOperation;
  readonly count: number;
}

const port = parentPort;
if (port === null) throw new Error('kzg-worker.ts runs as a worker thread');

cKzg.loadTrustedSetup(0);
const blobs = Array.from({ length: 4 }, randomBlob);
const blobAt = (i: number): Uint8Array => blobs[i % blobs.length] ?? new Uint8Array(BLOB_BYTES);
const z = blobAt(1).slice(0, 32);
const commitment = cKzg.blobToKzgCommitment(blobAt(0));
const [proof, y] = cKzg.computeKzgProof(blobAt(0), z);

const operations: Record<KzgOperation, (i: number) => void> = {
  commit: (i) => {
    cKzg.blobToKzgCommitment(blobAt(i));
  },
  open: (i) => {
    cKzg.computeKzgProof(blobAt(i), z);
  },
  verify: () => {
    if (!cKzg.verifyKzgProof(commitment, z, y, proof)) throw new Error('c-kzg refused its own proof');
  },
};

port.on('message', ({ operation, count }: KzgRequest) => {
  const start = performance.now();
  for (let i = 0; i < count; i++) operations[operation](i);
  port.postMessage(performance.now() - start);
});
port.postMessage('ready');

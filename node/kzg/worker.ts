import { workerData } from 'node:worker_threads';
import { type Backend, type BackendName, loadBackend } from './backend.ts';
import type { ComputeJobs } from './job-protocol.ts';
import { LinearMapper } from './linear-map.ts';
import { serveJobs } from './serve-jobs.ts';
import type { CommitmentKernel } from './wasm/commitment-kernel.ts';
import { createCommitmentKernel } from './wasm/create-commitment-kernel.ts';

/** Compute worker: the KZG library and the WebAssembly kernels, each loaded when first asked for. */
const { backend: name } = workerData as { readonly backend: BackendName };

let loading: Promise<Backend> | undefined;
const backend = () => {
  loading ??= loadBackend(name).catch((error) => {
    // The next job tries again: a thread that can never work would take job after job and fail them all.
    loading = undefined;
    throw error;
  });
  return loading;
};

let kernel: LinearMapper | undefined;
const mapper = () => {
  kernel ??= new LinearMapper();
  return kernel;
};

/** Bytes of their own, so that the reply does not carry the allocation pool that a Buffer may be part of. */
const own = (bytes: Uint8Array) => Uint8Array.from(bytes);

let creating: Promise<CommitmentKernel> | undefined;
const commitmentKernel = () => {
  creating ??= createCommitmentKernel();
  return creating;
};

serveJobs<ComputeJobs>({
  async commit({ blob }) {
    mapper().assertCanonical(blob);
    return { output: own((await backend()).commit(blob)) };
  },
  async open({ blob, z }) {
    mapper().assertCanonical(blob);
    const { y, proof } = (await backend()).open(blob, z);
    return { output: { y: own(y), proof: own(proof) } };
  },
  async wasmCommit({ blob }) {
    return { output: (await commitmentKernel()).commit(blob) };
  },
  async wasmOpen({ blob, z }) {
    return { output: (await commitmentKernel()).open(blob, z) };
  },
  async verify({ commitment, z, y, proof }) {
    const library = await backend();
    try {
      return { output: library.verify(commitment, z, y, proof) };
    } catch {
      return { output: 'refused' };
    }
  },
  map({ rows, blobs }) {
    const output = mapper().map(rows, blobs);
    return { output, transfer: output.map((blob) => blob.buffer) };
  },
});

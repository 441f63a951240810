import { loadBackend } from './backend.ts';
import type { ComputeJobs } from './job-protocol.ts';
import { type BlobMapper, LinearMapper } from './linear-map.ts';
import { plainMapper } from './plain-sum.ts';
import { serveJobs } from './serve-jobs.ts';
import type { CommitmentKernel } from './wasm/commitment-kernel.ts';
import { createCommitmentKernel } from './wasm/create-commitment-kernel.ts';

/** Compute worker: the KZG libraries and the WebAssembly kernels, each loaded when first asked for. */
let kernel: BlobMapper | undefined;
const mapper = () => {
  kernel ??= createMapper();
  return kernel;
};
function createMapper(): BlobMapper {
  try {
    return new LinearMapper();
  } catch {
    return plainMapper; // a damaged file: right and slow; the main thread finds the same and says so
  }
}

/** Bytes of their own, so that the reply does not carry the allocation pool that a Buffer may be part of. */
const own = (bytes: Uint8Array) => Uint8Array.from(bytes);

let creating: Promise<CommitmentKernel> | undefined;
const commitmentKernel = () => {
  creating ??= createCommitmentKernel();
  return creating;
};

serveJobs<ComputeJobs>({
  async commit({ library, blob }) {
    mapper().assertCanonical(blob);
    return { output: own((await loadBackend(library)).commit(blob)) };
  },
  async open({ library, blob, z }) {
    mapper().assertCanonical(blob);
    const { y, proof } = (await loadBackend(library)).open(blob, z);
    return { output: { y: own(y), proof: own(proof) } };
  },
  async wasmCommit({ blob }) {
    return { output: (await commitmentKernel()).commit(blob) };
  },
  async wasmOpen({ blob, z }) {
    return { output: (await commitmentKernel()).open(blob, z) };
  },
  async verify({ library: name, commitment, z, y, proof }) {
    const library = await loadBackend(name);
    try {
      return { output: library.verify(commitment, z, y, proof) };
    } catch {
      return { output: 'refused' };
    }
  },
  map({ rows, blobs, plain }) {
    const output = (plain ? plainMapper : mapper()).map(rows, blobs);
    return { output, transfer: output.map((blob) => blob.buffer) };
  },
});

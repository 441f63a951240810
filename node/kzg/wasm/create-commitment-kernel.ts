import { KzgError } from '../engine.ts';
import { wrongAnswer } from '../known-answer.ts';
import { trustedSetupPoints } from '../trusted-setup/trusted-setup.ts';
import { CommitmentKernel } from './commitment-kernel.ts';

/**
 * A kernel that has given the known answers on this thread: about 0.6 s.
 * @throws KzgError `backend-failed` when it does not, or does not start
 */
export async function createCommitmentKernel(): Promise<CommitmentKernel> {
  const points = await trustedSetupPoints();
  let kernel: CommitmentKernel;
  try {
    kernel = new CommitmentKernel(points);
  } catch (cause) {
    throw new KzgError({ code: 'backend-failed' }, 'the WebAssembly kernel does not start', { cause });
  }
  const wrong = await wrongAnswer(kernel);
  if (wrong !== undefined) {
    throw new KzgError({ code: 'backend-failed' }, `the WebAssembly kernel computes wrong results here: ${wrong}`);
  }
  return kernel;
}

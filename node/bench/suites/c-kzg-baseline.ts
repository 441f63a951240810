import { KzgLoop } from '../baselines/kzg-loop.ts';
import type { BenchCase } from '../harness.ts';
import type { SkippedCase } from '../results.ts';

/** c-kzg in bare loops, or why there is none: it is an optional dependency, built at install. */
export async function startKzgLoop(stack: AsyncDisposableStack, threads: number): Promise<KzgLoop | string> {
  try {
    const loop = await KzgLoop.start(threads);
    stack.defer(() => loop.stop());
    return loop;
  } catch (error) {
    return `c-kzg, its bound, does not load here: ${error instanceof Error ? error.message : error}`;
  }
}

/** The cases that `make` makes of the loop; without one they are named and skipped. */
export function casesBeside(
  loop: KzgLoop | string,
  names: readonly string[],
  make: (loop: KzgLoop) => readonly BenchCase[],
): readonly (BenchCase | SkippedCase)[] {
  return typeof loop === 'string' ? names.map((name) => ({ name, skipped: loop })) : make(loop);
}

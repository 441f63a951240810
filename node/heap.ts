import { setFlagsFromString } from 'node:v8';

/**
 * Arguments of Node for a process through which shards pass; the command's first line has them too. The young generation
 * grows to 64 MiB otherwise, and then garbage of ten times that waits outside the heap; kept at its first size of 1 MiB,
 * buffers grow old before they are done with. The limit for the first collection, which counts buffers too, is 40 MiB.
 */
export const HEAP_ARGUMENTS = ['--max-semi-space-size=4', '--initial-old-space-size=40'] as const;

/**
 * Settings of V8 for such a process; called before the first shard passes.
 *
 * Buffers lie outside the heap. By default V8 collects the whole heap whenever some 64 MiB of them were made, which cost
 * a `get` a third of its CPU time; counted with the heap itself, they wait for the limit that both share. That limit
 * would grow up to fourfold after a collection, and garbage with it.
 */
export function tuneHeap(): void {
  if (process.execArgv.some((argument) => argument.startsWith('--max-semi-space-size'))) {
    setFlagsFromString('--external-memory-accounted-in-global-limit');
    setFlagsFromString('--heap-growing-percent=40');
  } else {
    // Started by hand, without the arguments: what bounds memory best then.
    setFlagsFromString('--semi-space-growth-factor=1');
  }
}

import { setFlagsFromString } from 'node:v8';

/**
 * Settings of V8 for a process through which shards pass; called before the first of them does.
 *
 * Buffers lie outside the heap. By default V8 collects the whole heap whenever some 64 MiB of them were made, which cost
 * a `get` a third of its CPU time; counted with the heap itself, they wait for the limit that both share. And shards pass
 * at a rate that would make the young generation grow to its limit and stay there.
 */
export function tuneHeap(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString('--semi-space-growth-factor=1');
  // Without it the limit grows up to fourfold after a collection, and garbage with it.
  setFlagsFromString('--heap-growing-percent=80');
}

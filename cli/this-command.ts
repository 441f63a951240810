import { HEAP_ARGUMENTS } from '../node/heap.ts';

/** How this process was started, without its arguments: a program and its first arguments. */
export function thisCommand(): [string, ...string[]] {
  const [program = '', script = ''] = process.argv;
  return [program, ...HEAP_ARGUMENTS, script];
}

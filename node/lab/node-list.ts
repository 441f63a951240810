import { MAX_LAB_NODES } from './lab-size.ts';

/** `3`, `1-4,7` → numbers from 1 to 254, ascending, each once; undefined for anything else. */
export function parseNodeList(text: string): number[] | undefined {
  const numbers = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(part.trim());
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!(first >= 1 && last >= first && last <= MAX_LAB_NODES)) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}

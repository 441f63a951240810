import { InvalidArgumentError } from 'commander';

const MAX_NUMBER = 254;

/** `3`, `1-4,7` → numbers, ascending, each once; for commander's argument parsers. */
export function nodeList(text: string): number[] {
  const numbers = text.split(',').flatMap(range);
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** `1-5|6-10` (or `/` in place of `|`, which needs no quotes) → groups of numbers. */
export function nodeGroups(text: string): number[][] {
  const groups = text.split(/[|/]/).map(nodeList);
  const all = groups.flat();
  if (new Set(all).size < all.length)
    throw new InvalidArgumentError(`"${text}" names a node twice: each is in one group`);
  return groups;
}

function range(text: string): number[] {
  const match = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(text.trim());
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (!(first >= 1 && last >= first && last <= MAX_NUMBER)) {
    throw new InvalidArgumentError(`"${text}" names no nodes: expected numbers such as 3 or 1-4,7`);
  }
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

import { InvalidArgumentError } from 'commander';
import { parseNodeList } from '../node/lab/node-list.ts';

/** `3`, `1-4,7` → numbers, ascending, each once; for commander's argument parsers. */
export function nodeList(text: string): number[] {
  const numbers = parseNodeList(text);
  if (numbers !== undefined) return numbers;
  throw new InvalidArgumentError(`"${text}" names no nodes: expected numbers such as 3 or 1-4,7`);
}

/** `1-5/6-10` (or `|` in place of `/`) → groups of numbers. */
export function nodeGroups(text: string): number[][] {
  const groups = text.split(/[|/]/).map(nodeList);
  const all = groups.flat();
  if (new Set(all).size === all.length) return groups;
  throw new InvalidArgumentError(`"${text}" names a node twice: each is in one group`);
}

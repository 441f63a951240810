/** Groups of node numbers that cover 1 … nodes: those given, and one of all that they leave out. */
export function completeGroups(groups: readonly (readonly number[])[], nodes: number): number[][] {
  const named = new Set(groups.flat());
  const rest = Array.from({ length: nodes }, (_, i) => i + 1).filter((number) => !named.has(number));
  return [...groups.map((group) => [...group]), ...(rest.length === 0 ? [] : [rest])];
}

/** Whom a node has no connection with. @param groups covering all nodes */
export function cutFrom(groups: readonly (readonly number[])[], number: number): number[] {
  return groups.filter((group) => !group.includes(number)).flat();
}

/** Pairs of nodes of different groups, each once. */
export function pairsAcross(groups: readonly (readonly number[])[]): [number, number][] {
  return groups.flatMap((group, i) =>
    groups.slice(i + 1).flatMap((other) => group.flatMap((a) => other.map((b): [number, number] => [a, b]))),
  );
}

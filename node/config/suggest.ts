/** Names closer than this many edits are worth suggesting. */
const MAX_EDITS = 4;
const MAX_NAME_LENGTH = 64;

/** The name nearest to what was typed, or undefined when none is near. */
export function suggest(typed: string, names: readonly string[]): string | undefined {
  if (typed.length > MAX_NAME_LENGTH) return undefined;
  const limit = Math.min(MAX_EDITS, Math.ceil(typed.length / 2));
  let best: string | undefined;
  let bestEdits = limit + 1;
  for (const name of names) {
    const edits = editDistance(typed.toLowerCase(), name.toLowerCase());
    if (edits < bestEdits) [best, bestEdits] = [name, edits];
  }
  return best ?? names.find((name) => name.toLowerCase().split('.').at(-1) === typed.toLowerCase().split('.').at(-1));
}

/** Levenshtein distance, row by row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

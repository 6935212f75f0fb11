/** "Did you mean": the known name that is closest to a mistyped one. */

/** Longest name worth comparing; the cost is quadratic. */
const NAME_LENGTH_MAX = 64;

/** Insertions, deletions, replacements and neighbour swaps that turn `a` into `b` (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      let best = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + cost,
      );
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (row > 1 && column > 1 && swapped) best = Math.min(best, (before[column - 2] ?? 0) + 1);
      current.push(best);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** The closest of `names`, when it is close enough to be meant. */
export function closestName(wanted: string, names: Iterable<string>): string | undefined {
  if (wanted.length > NAME_LENGTH_MAX) return undefined;
  const near = Math.max(1, Math.floor(wanted.length / 3));
  let best: string | undefined;
  let bestDistance = near + 1;
  for (const name of names) {
    const distance = editDistance(wanted.toLowerCase(), name);
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

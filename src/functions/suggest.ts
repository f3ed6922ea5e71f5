/** A suggestion that needs more edits than this is more confusing than none. */
const MAX_DISTANCE = 3

/** From here on the beginning of a word counts as the word: `env` for `environment`. */
const MIN_PREFIX = 3

/**
 * The candidate that is nearest to what was typed, or undefined when none is near: at most a third of the letters wrong,
 * counted as insertions, deletions, replacements and swaps of neighbours (optimal string alignment distance).
 */
export function nearest(typed: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.min(MAX_DISTANCE, Math.ceil(typed.length / 3)) + 1
  const all = [...candidates]
  if (typed.length >= MIN_PREFIX) {
    const longer = all.filter((candidate) => candidate.toLowerCase().startsWith(typed.toLowerCase()))
    if (longer.length === 1) return longer[0]
  }
  for (const candidate of all) {
    if (Math.abs(candidate.length - typed.length) >= bestDistance) continue
    const distance = typed.toLowerCase() === candidate.toLowerCase() ? 0 : editDistance(typed, candidate)
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** ` Did you mean "x"?` with a leading space, or nothing. */
export function didYouMean(typed: string, candidates: Iterable<string>): string {
  const suggestion = nearest(typed, candidates)
  return suggestion === undefined ? '' : ` Did you mean "${suggestion}"?`
}

function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + (same ? 0 : 1))
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1)
      }
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}

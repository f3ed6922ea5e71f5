/** How often functions were invoked in the chain of events and messages that led to an invocation, this one counted, by name. */
export type Lineage = Readonly<Record<string, number>>

/** AWS Lambda, "Recursive loop detection": so often a function is invoked in one chain. */
export const MAX_RECURSION = 16

/** Of an invocation of a function by what came of these; undefined: of nothing that functions have sent. */
export function lineageOf(name: string, sources: readonly (Lineage | undefined)[]): Lineage | undefined {
  const known = sources.filter((source) => source !== undefined)
  if (known.length === 0) return undefined
  const most: Record<string, number> = {}
  for (const source of known) for (const [one, count] of Object.entries(source)) most[one] = Math.max(most[one] ?? 0, count)
  return { ...most, [name]: (most[name] ?? 0) + 1 }
}

export const cutMessage = (name: string): string =>
  `${name} was invoked ${MAX_RECURSION} times in one chain of events: the chain is cut (PutFunctionRecursionConfig allows it)`

import { invalidParameter } from './lambda-error.ts'

/** How a runtime's code becomes a function. */
export type RuntimeKind = 'component' | 'javascript'

/** The names of Lambda's runtimes that run here, and `wasm`, which is ours. */
const RUNTIMES: readonly (readonly [pattern: RegExp, kind: RuntimeKind])[] = [
  [/^(wasm|provided(\.al2|\.al2023)?)$/, 'component'],
  [/^nodejs(18|20|22|24|26)\.x$/, 'javascript'],
]

/** Throws `InvalidParameterValueException` for a runtime that this host does not have. */
export function runtimeKind(runtime: string): RuntimeKind {
  const found = RUNTIMES.find(([pattern]) => pattern.test(runtime))
  if (found !== undefined) return found[1]
  throw invalidParameter(
    `The runtime parameter of ${runtime} is not supported: supported are wasm, provided, provided.al2, provided.al2023 (a WebAssembly component or core module in the zip), and nodejs18.x to nodejs26.x`,
  )
}

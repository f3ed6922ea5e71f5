import type { Environment, Platform } from './function.ts'
import { createRandom, type ReseededRandom } from './random.ts'

/** What the runtime has prepared before the author's module is evaluated. */
export interface Runtime {
  readonly platform: Platform
  readonly random: ReseededRandom
  /** Read from the host at the first call inside an event, which is before the snapshot when the host sends a warm event. */
  environment(): Environment
}

/** Where globals are set: the engine's own, unless a test brings others. */
export interface Globals {
  readonly Math: { random(): number }
}

/**
 * Replaces what an author's module may take hold of while it is evaluated: `Math.random`, and `process.env` (as Lambda functions
 * read it), which is empty during the build and holds the function's environment from the first event on.
 */
export function createRuntime(platform: Platform, globals: Globals = globalThis): Runtime {
  const random = createRandom(() => platform.entropy())
  globals.Math.random = () => random.random()
  const variables: Record<string, string> = {}
  let read = false
  const environment = (): Environment => {
    if (!read) Object.assign(variables, platform.readEnvironment())
    read = true
    return variables
  }
  Object.defineProperty(globals, 'process', { value: { env: variables }, writable: true, configurable: true, enumerable: false })
  return { platform, random, environment }
}

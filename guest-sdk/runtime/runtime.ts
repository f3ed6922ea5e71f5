import { identify, type Identity } from './context.ts'
import type { Environment, Platform } from './function.ts'
import { installHooks, type Hooks } from './hooks.ts'
import { createRandom, type ReseededRandom } from './random.ts'

/** What the runtime has prepared before the author's module is evaluated. */
export interface Runtime {
  readonly platform: Platform
  readonly random: ReseededRandom
  /** Read from the host at the first call inside an event, which is before the snapshot when the host sends a warm event. */
  environment(): Environment
  /** The next call of `environment` asks the host again. */
  forgetEnvironment(): void
  /** What Lambda's context says of the function that the event calls `fn`. */
  readonly identity: (fn: string) => Identity
  /** What author code has asked to be run besides its handlers. */
  readonly hooks: Hooks
}

/** Variables that the host sets for every function, as Lambda does; they are in `process.env`, and not in a handler's `env`. */
const HOST_PREFIX = 'AWS_LAMBDA_'

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
  const env: Record<string, string> = {}
  let read = false
  const environment = (): Environment => {
    if (read) return env
    read = true
    Object.assign(variables, platform.readEnvironment())
    for (const [name, value] of Object.entries(variables)) if (!name.startsWith(HOST_PREFIX)) env[name] = value
    return env
  }
  let known: { readonly fn: string; readonly identity: Identity } | undefined
  const identity = (fn: string): Identity => {
    // Usually the host names the function in the variables, so that this is done before the snapshot.
    if (known === undefined || (known.fn !== fn && known.identity.functionName !== variables.AWS_LAMBDA_FUNCTION_NAME))
      known = { fn, identity: identify(variables, fn) }
    return known.identity
  }
  const forgetEnvironment = (): void => {
    read = false
    known = undefined
  }
  const nextTick = (run: (...args: unknown[]) => void, ...args: unknown[]): void => queueMicrotask(() => run(...args))
  const process = { env: variables, nextTick, cwd: () => variables.LAMBDA_TASK_ROOT ?? '/', argv: [] }
  Object.defineProperty(globals, 'process', { value: process, writable: true, configurable: true, enumerable: false })
  return { platform, random, environment, forgetEnvironment, identity, hooks: installHooks(globals) }
}

import { compileReachable } from './compile.ts'
import { createDispatcher, describeError, type Handle } from './dispatch.ts'
import type { Exchange } from './exchange.ts'
import { sealEnvelope } from './envelope.ts'
import { framesOfScript } from './errors.ts'
import type { FunctionModule } from './function.ts'
import { prepare } from './hooks.ts'
import { placesIn, type Places } from './places.ts'
import type { Runtime } from './runtime.ts'

/** Gives the script's exports to the runtime. */
type HandOver = (module: FunctionModule) => void

/** What the text of a script evaluates to (src/build/script.ts): its top level, which runs when it is called. */
type TopLevel = (handOver: HandOver) => unknown

export interface Loader {
  readonly handle: Handle
  /** Runs a script's top level, then its hooks. Answers nothing; throws like `handle`. At most once in the life of an engine. */
  readonly load: Handle
  /** The short way for HTTP requests; only for an engine that does not wait by itself. */
  readonly exchange: Exchange
}

/**
 * The exports of an engine without an author's module: the host gives it one later, before it takes the snapshot that every
 * invocation starts from. Until then `handle` answers `warm` events only.
 */
export function createLoader(runtime: Runtime): Loader {
  const { text, waiting } = runtime.platform
  const module: { -readonly [K in keyof FunctionModule]: FunctionModule[K] } = {}
  const places: Places = {}
  let loaded = false

  const run = (bytes: Uint8Array): unknown => {
    if (loaded) throw new TypeError('this engine has its script already')
    loaded = true
    framesOfScript()
    // The engine warmed itself when it had no function yet.
    runtime.forgetEnvironment()
    runtime.environment()
    const code = text.fromUtf8(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes))
    if (code === undefined) throw new TypeError('the script is not UTF-8')
    // Indirect: in the global scope, where nothing of the runtime is in sight.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion, no-eval
    const topLevel = (0, eval)(code) as TopLevel
    return topLevel((exports) => {
      module.default = exports.default
      module.handler = exports.handler
      Object.assign(places, placesIn(code, module))
    })
  }

  const { handle, exchange, check, prepared } = createDispatcher(module, runtime, places)
  const finish = async (result: unknown): Promise<void> => {
    await result
    await prepare(runtime.hooks)
    check()
    compileReachable(module)
    prepared()
  }
  const fail = (error: unknown): never => {
    throw sealEnvelope(JSON.stringify(describeError(error)), null, text)
  }
  const done = (): Uint8Array => sealEnvelope('{}', null, text)

  return {
    handle,
    exchange,
    load(bytes) {
      runtime.random.forget()
      try {
        const result = run(bytes)
        if (waiting === undefined) return finish(result).then(done, fail)
        // Timers that are running stay: whoever awaits them in an invocation finds them due.
        waiting.settle(finish(result))
        return done()
      } catch (error) {
        return fail(error)
      }
    },
  }
}

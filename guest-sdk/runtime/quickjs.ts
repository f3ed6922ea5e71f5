import { TEXT, utf8Encode } from './bytes.ts'
import { createConsole, showErrors } from './console.ts'
import { offerFiles } from './directories.ts'
import type { Platform, Web } from './function.ts'
import { JobPromise, jobQueue } from './promise.ts'
import { Timers } from './timers.ts'
import { arrayFromAsync } from './web/array-from-async.ts'
import { Buffer } from './web/buffer.ts'
import { define } from './web/define.ts'
import { installWeb } from './web/install.ts'
import { requestOf } from './web/request.ts'
import { takeResponse } from './web/response.ts'

/** What of WASI the QuickJS runtime calls; given in by the generated entry, because only there the `wasi:` imports resolve. */
export interface QuickjsHost {
  getEnvironment(): [string, string][]
  getRandomBytes(length: number): Uint8Array
  getDirectories(): unknown
  getStdout(): OutputStream
  getStderr(): OutputStream
  /** Nanoseconds. */
  now(): number
  subscribeDuration(nanoseconds: number): { block(): void }
}

interface OutputStream {
  blockingWriteAndFlush(bytes: Uint8Array): void
}

/** wasi:io/streams: at most 4096 bytes in one `blocking-write-and-flush`. */
const MAX_WRITE = 4096

/** In a millisecond. The engine passes u64 as a JavaScript number. */
const NANOSECONDS = 1e6

/**
 * QuickJS: gives the author's module what the engine lacks, which is nearly all that is not ECMAScript (docs/runtime.md). `web/early.ts`
 * has to be evaluated before this module.
 */
export function createPlatform(host: QuickjsHost, target: object = globalThis): Platform {
  const timers = new Timers({
    now: () => host.now() / NANOSECONDS,
    sleep: (ms) => host.subscribeDuration(Math.ceil(ms * NANOSECONDS)).block(),
  })
  const jobs = jobQueue()
  offerFiles({ getDirectories: () => host.getDirectories(), u64: Number }, target)
  const write = (stream: 'stdout' | 'stderr', line: string): void => {
    const output = stream === 'stdout' ? host.getStdout() : host.getStderr()
    const bytes = utf8Encode(`${line}\n`)
    for (let at = 0; at < bytes.length; at += MAX_WRITE) output.blockingWriteAndFlush(bytes.slice(at, at + MAX_WRITE))
  }
  const randomBytes = (length: number): Uint8Array => new Uint8Array(host.getRandomBytes(length))

  define(target, {
    Promise: JobPromise,
    queueMicrotask: jobs.add,
    setTimeout: timers.setTimeout,
    setInterval: timers.setInterval,
    setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) => timers.setTimeout(run, 0, ...args),
    clearTimeout: timers.clear,
    clearInterval: timers.clear,
    clearImmediate: timers.clear,
    console: createConsole(write),
    Buffer,
    global: target,
  })
  installWeb(target, randomBytes)
  if (target === globalThis) {
    showErrors()
    // The engine's own would wait for its job queue.
    define(Array, { fromAsync: arrayFromAsync })
  }

  return {
    engine: 'quickjs',
    text: TEXT,
    entropy: () => new Uint32Array(randomBytes(16).buffer),
    readEnvironment: () => Object.fromEntries(host.getEnvironment()),
    web: WEB,
    waiting: {
      settle: (promise) => settle(promise, timers),
      clear() {
        jobs.clear()
        timers.clearAll()
      },
    },
  }
}

const WEB: Web = {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the author's Request is the runtime's own
  requestOf: (event) => requestOf(event) as unknown as Request,
  takeResponse,
}

function settle(value: unknown, timers: Timers): unknown {
  const promise = JobPromise.resolve(value)
  const jobs = jobQueue()
  for (;;) {
    jobs.run()
    const { state, value: result } = promise.outcome
    if (state === 'fulfilled') return result
    if (state === 'rejected') throw result
    if (!timers.fire())
      throw new Error(
        'the function waits for a promise that nothing can settle: no timer is running, and QuickJS has no other source of events',
      )
  }
}

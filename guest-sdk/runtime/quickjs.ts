import { TEXT, utf8Decode, utf8DecodeLossy, utf8Encode } from './bytes.ts'
import { createConsole } from './console.ts'
import type { Platform } from './function.ts'
import { JobPromise, jobQueue } from './promise.ts'
import { Timers } from './timers.ts'

/** What of WASI the QuickJS runtime calls; given in by the generated entry, because only there the `wasi:` imports resolve. */
export interface QuickjsHost {
  getEnvironment(): [string, string][]
  getRandomBytes(length: number): Uint8Array
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
 * QuickJS: gives the author's module what the engine lacks and what is cheap to give (Promise with a queue that is run, timers,
 * console, crypto.getRandomValues and randomUUID, TextEncoder, TextDecoder). There is no fetch, Request, Response, Headers, URL,
 * streams, Blob, structuredClone or crypto.subtle.
 */
export function createPlatform(host: QuickjsHost, target: object = globalThis): Platform {
  const timers = new Timers({
    now: () => host.now() / NANOSECONDS,
    sleep: (ms) => host.subscribeDuration(Math.ceil(ms * NANOSECONDS)).block(),
  })
  const jobs = jobQueue()
  const write = (stream: 'stdout' | 'stderr', line: string): void => {
    const output = stream === 'stdout' ? host.getStdout() : host.getStderr()
    const bytes = utf8Encode(`${line}\n`)
    for (let at = 0; at < bytes.length; at += MAX_WRITE) output.blockingWriteAndFlush(bytes.slice(at, at + MAX_WRITE))
  }
  const randomBytes = (length: number): Uint8Array => new Uint8Array(host.getRandomBytes(length))

  const globals: Record<string, unknown> = {
    Promise: JobPromise,
    queueMicrotask: jobs.add,
    setTimeout: timers.setTimeout,
    setInterval: timers.setInterval,
    clearTimeout: timers.clear,
    clearInterval: timers.clear,
    console: createConsole(write),
    crypto: createCrypto(randomBytes),
    TextEncoder: Utf8Encoder,
    TextDecoder: Utf8Decoder,
  }
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false })
  }

  return {
    engine: 'quickjs',
    text: TEXT,
    entropy: () => new Uint32Array(randomBytes(16).buffer),
    readEnvironment: () => Object.fromEntries(host.getEnvironment()),
    waiting: {
      settle: (promise) => settle(promise, timers),
      clear() {
        jobs.clear()
        timers.clearAll()
      },
    },
  }
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

function createCrypto(randomBytes: (length: number) => Uint8Array): {
  getRandomValues<T extends ArrayBufferView>(view: T): T
  randomUUID(): string
} {
  return {
    getRandomValues(view) {
      // Web Crypto 10.1.1: more than 65,536 bytes are a QuotaExceededError.
      if (view.byteLength > 65_536) throw new RangeError(`getRandomValues: ${view.byteLength} bytes are more than 65536`)
      new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(randomBytes(view.byteLength))
      return view
    },
    randomUUID() {
      const bytes = randomBytes(16)
      bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
      bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
      const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
    },
  }
}

class Utf8Encoder {
  readonly encoding = 'utf-8'
  encode(text = ''): Uint8Array {
    return utf8Encode(text)
  }
}

class Utf8Decoder {
  readonly encoding = 'utf-8'
  readonly fatal: boolean
  readonly ignoreBOM: boolean

  constructor(label = 'utf-8', options: { fatal?: boolean; ignoreBOM?: boolean } = {}) {
    if (!/^utf-?8$/i.test(label)) throw new RangeError(`the QuickJS runtime decodes UTF-8 only, not ${label}`)
    this.fatal = options.fatal ?? false
    this.ignoreBOM = options.ignoreBOM ?? false
  }

  decode(input?: ArrayBuffer | ArrayBufferView): string {
    if (input === undefined) return ''
    const bytes =
      input instanceof ArrayBuffer ? new Uint8Array(input) : new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
    const text = this.fatal ? utf8Decode(bytes) : utf8DecodeLossy(bytes)
    if (text === undefined) throw new TypeError('the bytes are not valid UTF-8')
    return !this.ignoreBOM && text.startsWith('\uFEFF') ? text.slice(1) : text
  }
}

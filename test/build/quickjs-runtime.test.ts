/* oxlint-disable typescript/no-unsafe-type-assertion -- what came back is compared, so a wrong type fails the test */
/* oxlint-disable typescript/await-thenable, unicorn/no-thenable -- promises themselves are what is tested */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesFromBase64, bytesToBase64, utf8Decode, utf8DecodeLossy, utf8Encode } from '../../guest-sdk/runtime/bytes.ts'
import { createPlatform, type QuickjsHost } from '../../guest-sdk/runtime/quickjs.ts'

interface Globals {
  readonly Promise: PromiseConstructor
  readonly console: Console
  readonly crypto: Crypto
  readonly TextDecoder: new (label?: string, options?: TextDecoderOptions) => TextDecoder
  queueMicrotask(job: () => void): void
  setTimeout(run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]): number
  setInterval(run: () => void, ms?: number): number
  clearTimeout(id: number): void
  clearInterval(id: number): void
}

/** The QuickJS platform in Node: its globals are in an object of their own, its clock moves only when it sleeps. */
function start(): {
  globals: Globals
  readonly settle: (promise: unknown) => unknown
  readonly clear: () => void
  readonly written: string[]
  readonly slept: number[]
} {
  const written: string[] = []
  const slept: number[] = []
  let clock = 0
  const output = (name: string) => ({
    blockingWriteAndFlush(bytes: Uint8Array) {
      if (bytes.length > 4096) throw new Error('too much')
      written.push(`${name}: ${new TextDecoder().decode(bytes)}`)
    },
  })
  const host: QuickjsHost = {
    getDirectories: () => [],
    getEnvironment: () => [['A', 'b']],
    getRandomBytes: (length) => new Uint8Array(length).fill(0xab),
    getStdout: () => output('out'),
    getStderr: () => output('err'),
    now: () => clock,
    subscribeDuration: (nanoseconds) => ({
      block() {
        clock += nanoseconds
        slept.push(nanoseconds / 1e6)
      },
    }),
  }
  const globals: object = {}
  const platform = createPlatform(host, globals)
  const { waiting } = platform
  if (waiting === undefined) throw new Error('the platform cannot settle promises')
  return {
    globals: globals as Globals,
    settle: (promise) => waiting.settle(promise),
    clear: () => waiting.clear(),
    written,
    slept,
  }
}

/** Promises in every relation; what they do is logged in order. */
const scenario = (P: PromiseConstructor, enqueue: (job: () => void) => void, log: string[]): Promise<unknown> => {
  const first = P.resolve('a').then((value) => log.push(value))
  void first.then(() => log.push('b')).finally(() => log.push('c'))
  enqueue(() => log.push('d'))
  void P.reject(new Error('e')).catch((error: Error) => log.push(error.message))
  void new P<string>((resolve) => resolve(P.resolve('f'))).then((value) => log.push(value))
  void P.race([P.resolve('g'), P.resolve('h')]).then((value) => log.push(value))
  void P.any([P.reject(new Error()), P.resolve('i')]).then((value) => log.push(value))
  return P.all([P.resolve(1), 2, { then: (resolve: (value: number) => void) => resolve(3) }]).then(async (all) => {
    const settled = await P.allSettled([P.reject(new Error('no')), 1])
    log.push(JSON.stringify(all), settled.map(({ status }) => status).join())
  })
}

describe('promises', () => {
  test('run their reactions in the order of ECMA-262, as the engine of this test does', async () => {
    const { globals, settle } = start()
    const own: string[] = []
    // The reaction is an async function of Node: its promise belongs to Node's queue, so only what comes before it is compared.
    const promise = scenario(globals.Promise, (job) => globals.queueMicrotask(job), own)
    expect(() => settle(promise)).toThrow('a promise that nothing can settle')
    const native: string[] = []
    await scenario(Promise, queueMicrotask, native)
    expect(own).toEqual(native.slice(0, own.length))
    expect(own.length).toBeGreaterThanOrEqual(8)
  })

  test('pass on values and rejections', () => {
    const { globals, settle } = start()
    const P = globals.Promise
    expect(settle(P.all([P.resolve(1), 2]))).toEqual([1, 2])
    expect(() => settle(P.all([P.resolve(1), P.reject(new Error('no'))]))).toThrow('no')
    expect(() => settle(P.any([P.reject(new Error('x'))]))).toThrow(AggregateError)
    expect(settle(P.try((a: number) => a + 1, 1))).toBe(2)
    expect(settle(P.resolve(1).finally(() => 2))).toBe(1)
    const { promise, resolve } = P.withResolvers<number>()
    resolve(5)
    expect(settle(promise)).toBe(5)
  })

  test('that resolve with themselves are rejected', () => {
    const { globals, settle } = start()
    const { promise, resolve } = globals.Promise.withResolvers<unknown>()
    resolve(promise)
    expect(() => settle(promise)).toThrow('Chaining cycle')
  })

  test('that nothing can settle are named as such', () => {
    const { globals, settle } = start()
    expect(() => settle(new globals.Promise(() => {}))).toThrow('a promise that nothing can settle')
  })

  test('are forgotten with the invocation, and timers too', () => {
    const { globals, settle, clear } = start()
    let late = false
    globals.setTimeout(() => (late = true), 1)
    settle(globals.Promise.resolve(1))
    clear()
    expect(() => settle(new globals.Promise(() => {}))).toThrow('a promise that nothing can settle')
    expect(late).toBe(false)
  })
})

describe('timers', () => {
  test('fire in the order of their times, with their arguments, and sleep in between', () => {
    const { globals, settle, slept } = start()
    const log: unknown[] = []
    globals.setTimeout((...args) => log.push(args), 20, 'a', 'b')
    globals.setTimeout(() => log.push('first'), 10)
    globals.clearTimeout(globals.setTimeout(() => log.push('never'), 5))
    settle(new globals.Promise((resolve) => void globals.setTimeout(resolve, 30)))
    expect(log).toEqual(['first', ['a', 'b']])
    expect(slept).toEqual([10, 10, 10])
  })

  test('repeat until they are cleared', () => {
    const { globals, settle } = start()
    let count = 0
    const done = new globals.Promise<number>((resolve) => {
      const id = globals.setInterval(() => {
        if (++count < 3) return
        globals.clearInterval(id)
        resolve(count)
      }, 5)
    })
    expect(settle(done)).toBe(3)
  })
})

describe('globals', () => {
  test('console writes a line per call to stdout or stderr, in pieces that the stream takes', () => {
    const { globals, written } = start()
    globals.console.log('a', { b: 1n }, [1], null, undefined)
    globals.console.error('x'.repeat(5000))
    expect(written[0]).toBe('out: a { b: 1n } [ 1 ] null undefined\n')
    expect(written.slice(1).map((line) => line.slice(0, 4))).toEqual(['err:', 'err:'])
  })

  test('crypto fills views and makes version 4 UUIDs', () => {
    const { crypto } = start().globals
    expect([...crypto.getRandomValues(new Uint16Array(2))]).toEqual([0xabab, 0xabab])
    expect(crypto.randomUUID()).toBe('abababab-abab-4bab-abab-abababababab')
    expect(() => crypto.getRandomValues(new Uint8Array(65_537))).toThrow(DOMException)
  })

  test('TextDecoder decodes, replaces or refuses what is no UTF-8, also in pieces, and knows the encodings that occur', () => {
    const { TextDecoder: Decoder } = start().globals
    expect(new Decoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 65, 0xff]))).toBe('A\ufffd')
    expect(() => new Decoder('utf-8', { fatal: true }).decode(new Uint8Array([0xff]))).toThrow(TypeError)
    const decoder = new Decoder()
    const pieces = Array.from(new TextEncoder().encode('aü€😀'), (byte) =>
      decoder.decode(new Uint8Array([byte]), { stream: true }),
    )
    expect(pieces.join('') + decoder.decode()).toBe('aü€😀')
    expect(new Decoder('latin1').decode(new Uint8Array([0xfc, 0x80]))).toBe('ü€')
    expect(new Decoder('utf-16le').decode(new Uint8Array([0xfc, 0]))).toBe('ü')
    expect(() => new Decoder('none')).toThrow(RangeError)
  })
})

describe('text', () => {
  test('is decoded as TextDecoder does it, whatever the bytes', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const lossy = new TextDecoder('utf-8', { ignoreBOM: true })
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc
        .array(fc.constantFrom(0xc3, 0xbc, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xed, 0xa0, 0x41))
        .map((list) => Uint8Array.from(list)),
    )
    fc.assert(
      fc.property(bytes, (sample) => {
        expect(utf8DecodeLossy(sample)).toBe(lossy.decode(sample))
        let expected: string | undefined
        try {
          expected = strict.decode(sample)
        } catch {
          expected = undefined
        }
        expect(utf8Decode(sample)).toBe(expected)
      }),
      { numRuns: 2000 },
    )
  })

  test('is encoded as TextEncoder does it, lone surrogates too', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    )
    fc.assert(
      fc.property(text, (sample) => {
        expect(utf8Encode(sample)).toEqual(new TextEncoder().encode(sample))
      }),
    )
  })

  test('longer than the argument stack is decoded whole', () => {
    const long = 'ü😀'.repeat(100_000)
    expect(utf8Decode(utf8Encode(long))).toBe(long)
  })

  test('as base64 goes there and back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (sample) => {
        expect(bytesFromBase64(bytesToBase64(sample))).toEqual(sample)
      }),
    )
  })
})

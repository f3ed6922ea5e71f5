import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { AmpouleError } from '../../src/errors.ts'
import { ExitError } from '../../src/wasi/index.ts'
import { findFunction } from '../../src/wasi/interfaces.ts'
import { Host } from '../../src/wasi/host.ts'
import { GuestMemory } from '../../src/wasi/memory.ts'
import { allImports, type CoreImport } from './all-imports.ts'
import { RESULT, TestEnvironment, toImport, type CoreValue } from './driver.ts'
import { HttpGuest } from './http-guest.ts'

const OPTIONS = { bytes: () => new Uint8Array(), view: () => new DataView(new ArrayBuffer(0)), size: () => 0, realloc: () => 0 }

let imports: CoreImport[] = []
beforeAll(async () => {
  imports = await allImports()
})

/** Waits that the interfaces allow; everything else has to answer at once. */
const SUSPENDING = [
  'poll#poll',
  'poll#[method]pollable.block',
  'streams#[method]input-stream.blocking-read',
  'streams#[method]input-stream.blocking-skip',
  'streams#[method]output-stream.blocking-write-and-flush',
  'streams#[method]output-stream.blocking-write-zeroes-and-flush',
  'streams#[method]output-stream.blocking-splice',
]

describe('the core signatures', () => {
  it('are those that jco flattens the WIT files to', () => {
    const host = new Host(new TestEnvironment())
    const differing: string[] = []
    let compared = 0
    for (const { path, parameters } of imports) {
      const item = toImport(path)
      if (item.kind !== 'lower') continue
      const fn = findFunction(item)?.make(host, new GuestMemory(OPTIONS, host))
      // methods that cannot be reached trap on their first parameter; a rest parameter says nothing
      const says = fn?.length
      if (says === undefined || (says !== parameters.length && !(says <= 1 && parameters.length > 1))) differing.push(path)
      if (says === parameters.length) compared++
    }
    expect(differing).toEqual([])
    expect(compared).toBeGreaterThan(125)
  })

  it('suspend only where a guest waits', () => {
    const guest = new HttpGuest()
    const suspending = imports
      .filter(({ path }) => guest.wasi.lower(toImport(path), OPTIONS)?.suspending === true)
      .map(({ path }) => path.replace('wasi:io/', ''))
    expect(suspending.toSorted()).toEqual(SUSPENDING.toSorted())
  })
})

describe('a doomed instance', () => {
  it('gets no answer from any host function or drop', () => {
    const guest = new HttpGuest()
    const state = guest.wasi.save()
    guest.environment.alive = false
    for (const item of imports) expect(() => callWith(guest, item, [], [])).toThrow('doomed')
    expect(guest.wasi.equals(state)).toBe(true)
    expect(guest.environment.logged).toEqual([])
  })
})

/** A guest in the middle of a call; gives a handle of every kind that there can be. */
function busy(guest: HttpGuest, bodyRead: boolean): Readonly<Record<string, number>> {
  const call = guest.open({ body: new TextEncoder().encode('body text') })
  const headers = guest.number('wasi:http/types#[method]incoming-request.headers', call.request)
  guest.call('wasi:http/types#[drop]fields', headers)
  const output = guest.number('wasi:cli/stdout#get-stdout')
  guest.number('wasi:cli/stdin#get-stdin')
  const timer = guest.number('wasi:clocks/monotonic-clock#subscribe-instant', 1n)
  const preopens = guest.result('wasi:filesystem/preopens#get-directories')
  const tmp = guest.view.getUint32(preopens.getUint32(0, true), true)
  const file = guest.owned('wasi:filesystem/types#[method]descriptor.open-at', tmp, 0, ...guest.put('file'), 1, 3)
  guest.result('wasi:filesystem/types#[method]descriptor.write', file, ...guest.put('contents'), 0n)
  const input = guest.owned('wasi:filesystem/types#[method]descriptor.read-via-stream', file, 0n)
  guest.owned('wasi:filesystem/types#[method]descriptor.append-via-stream', file)
  const incoming = guest.consume(call.request)
  if (bodyRead) guest.call('wasi:io/streams#[drop]input-stream', incoming.stream)
  const future = bodyRead ? guest.number('wasi:http/types#[static]incoming-body.finish', incoming.body) : 0
  const short = guest.body(guest.response([['content-length', '1']]))
  const error = guest.write(short.stream, 'too long').getUint32(8, true)
  const response = guest.response([['x', 'y']])
  guest.body(response)
  // places that the arguments below point to: a list of handles, a list of strings, a text
  guest.bytesOf(2048, 8).set([timer, 0, 0, 0, timer, 0, 0, 0])
  const [list] = guest.putList(['file', 'x-name', 'value', 'other'])
  guest.bytesOf(3072, 32).set(guest.bytesOf(list, 32))
  guest.bytesOf(2560, 8).set(new TextEncoder().encode('file/sub'))
  return {
    error,
    pollable: timer,
    'input-stream': input,
    'output-stream': output,
    descriptor: tmp,
    'directory-entry-stream': guest.owned('wasi:filesystem/types#[method]descriptor.read-directory', tmp),
    network: guest.number('wasi:sockets/instance-network#instance-network'),
    fields: guest.fields([['a', 'b']]),
    'incoming-request': call.request,
    'incoming-body': incoming.body,
    'response-outparam': call.responseOut,
    'outgoing-request': guest.number('wasi:http/types#[constructor]outgoing-request', guest.fields()),
    'outgoing-response': response,
    'outgoing-body': short.body,
    'request-options': guest.number('wasi:http/types#[constructor]request-options'),
    'future-trailers': future,
  }
}

const words = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 25 }) },
  { weight: 4, arbitrary: fc.constantFrom(RESULT, 2048, 2560, 3072) },
  { weight: 1, arbitrary: fc.constantFrom(-1, -8, 63 * 65_536 - 4, 63 * 65_536, 0x7fff_fff8, RESULT + 1, 65_537) },
)
const longs = fc.constantFrom(0n, 1n, 5n, 4096n, 65_536n, 2n ** 40n, -1n, -(2n ** 63n))

/** One call with as many arguments of each type as it may need. */
const step = fc.record({
  which: fc.nat(),
  /** Whether the first argument of a method is a handle of its type. */
  fitting: fc.integer({ min: 0, max: 9 }).map((roll) => roll > 0),
  words: fc.array(words, { minLength: 16, maxLength: 16 }),
  longs: fc.array(longs, { minLength: 4, maxLength: 4 }),
})

/** The resource that a path's first argument is a handle of, going by its name. */
function kindOf(path: string): string {
  const owner = /#\[(?:method|static|drop)\]([\w-]+)/.exec(path)?.[1]
  if (owner !== undefined) return owner
  if (path.endsWith('-error-code')) return 'error'
  if (path.endsWith('[constructor]outgoing-request') || path.endsWith('[constructor]outgoing-response')) return 'fields'
  return path.startsWith('wasi:http/outgoing-handler') ? 'outgoing-request' : ''
}

function callWith(guest: HttpGuest, item: CoreImport, i32s: readonly number[], i64s: readonly bigint[]): void {
  let [i32, i64] = [0, 0]
  const args = item.parameters.map((type): CoreValue => (type === 'i64' ? (i64s[i64++] ?? 0n) : (i32s[i32++] ?? 0)))
  const result = guest.call(item.path, ...args)
  if (result instanceof Promise) {
    result.catch(() => undefined)
    return
  }
  const expected = item.results[0] === undefined ? 'undefined' : item.results[0] === 'i64' ? 'bigint' : 'number'
  if (typeof result !== expected) throw new Error(`${item.path} gave ${typeof result}, not ${expected}`)
}

describe('any core values', () => {
  it('give the guest a result or a trap, leave the host whole, and a restore heals', () => {
    const environment = new TestEnvironment()
    const guest = new HttpGuest(environment)
    const state = guest.wasi.save()
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), (steps, bodyRead) => {
        guest.reset()
        guest.wasi.restore(state)
        let handles = busy(guest, bodyRead)
        for (const { which, fitting, words: i32s, longs: i64s } of steps) {
          const item = imports[which % imports.length]
          if (item === undefined) continue
          const handle = fitting ? handles[kindOf(item.path)] : undefined
          try {
            callWith(guest, item, handle === undefined ? i32s : [handle, ...i32s], i64s)
          } catch (error) {
            const allowed = error instanceof WebAssembly.RuntimeError || error instanceof ExitError
            if (!allowed && !(error instanceof AmpouleError && error.code === 'MemoryExceeded')) throw error
            guest.reset()
            guest.wasi.restore(state)
            handles = busy(guest, bodyRead)
          }
        }
        environment.abort(new Error('over'))
        environment.alive = true
        guest.wasi.restore(state)
        expect(guest.wasi.equals(state)).toBe(true)
        expect(environment.held).toBe(0)
      }),
      { numRuns: 300 },
    )
  })
})

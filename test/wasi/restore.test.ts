import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WasiState } from '../../src/wasi/contract.ts'
import { createWasi, ExitError } from '../../src/wasi/index.ts'
import { RESULT, TestEnvironment } from './driver.ts'
import { collect, HttpGuest, within } from './http-guest.ts'

const TYPES = 'wasi:http/types'
const STREAMS = 'wasi:io/streams'
const FILES = 'wasi:filesystem/types'
const CLOCK = 'wasi:clocks/monotonic-clock'

/** A guest as it is after initialisation: handles of many kinds, a file, a gap in the table. */
function initialised(): HttpGuest {
  const guest = new HttpGuest()
  const stdin = guest.number('wasi:cli/stdin#get-stdin')
  guest.number('wasi:cli/stdout#get-stdout')
  const gap = guest.number('wasi:cli/stderr#get-stderr')
  guest.number(`${STREAMS}#[method]input-stream.subscribe`, stdin)
  guest.number(`${CLOCK}#subscribe-duration`, 1_000_000n)
  guest.fields([['x-base', 'yes']])
  guest.number('wasi:sockets/instance-network#instance-network')
  const tmp = preopen(guest)
  const file = openFile(guest, tmp, 'base.txt')
  guest.result(`${FILES}#[method]descriptor.write`, file, ...guest.put('base content'), 0n)
  guest.owned(`${FILES}#[method]descriptor.read-via-stream`, file, 5n)
  guest.owned(`${FILES}#[method]descriptor.read-directory`, tmp)
  guest.result(`${FILES}#[method]descriptor.symlink-at`, tmp, ...guest.put('base.txt'), ...guest.put('link'))
  guest.number(`${TYPES}#[constructor]request-options`)
  guest.response([['x-prepared', '1']])
  guest.call(`${STREAMS}#[drop]output-stream`, gap)
  return guest
}

function preopen(guest: HttpGuest): number {
  const view = guest.result('wasi:filesystem/preopens#get-directories')
  return guest.view.getUint32(view.getUint32(0, true), true)
}

/** Creates and opens for reading and writing. */
function openFile(guest: HttpGuest, directory: number, path: string): number {
  return guest.owned(`${FILES}#[method]descriptor.open-at`, directory, 1, ...guest.put(path), 1, 3)
}

/** What a guest sees when it looks at everything it can reach. */
function observe(guest: HttpGuest): unknown {
  const seen: unknown[] = []
  for (let handle = 0; handle < 40; handle++) {
    for (const look of [
      () => guest.number('wasi:io/poll#[method]pollable.ready', handle),
      () => guest.result(`${TYPES}#[method]fields.entries`, handle) && guest.textsAt(RESULT, 2),
      () => guest.readNow(handle),
      () => guest.result(`${FILES}#[method]descriptor.stat`, handle) && [...guest.bytesOf(RESULT, 104)],
      () => guest.result(`${FILES}#[method]descriptor.get-flags`, handle).getUint8(1),
      () => guest.number(`${TYPES}#[method]outgoing-response.status-code`, handle),
    ]) {
      const state = guest.wasi.save()
      try {
        guest.bytesOf(RESULT, 256).fill(0)
        seen.push(look())
      } catch (error) {
        seen.push(String(error))
        guest.wasi.restore(state)
      }
    }
  }
  const tmp = preopen(guest)
  seen.push(tmp, guest.number('wasi:cli/stderr#get-stderr'), guest.number('wasi:cli/stderr#get-stderr'))
  for (const path of ['base.txt', 'link', 'new']) {
    const view = guest.result(`${FILES}#[method]descriptor.stat-at`, tmp, 0, ...guest.put(path))
    seen.push([view.getUint8(0), view.getUint8(8), view.getBigUint64(24, true)])
  }
  return seen
}

type Step = readonly [name: string, handle: number, other: number]

/** One thing that an invocation may do; traps are part of it, and end it. */
function act(guest: HttpGuest, [name, handle, other]: Step): void {
  switch (name) {
    case 'add':
      guest.number('wasi:cli/stdin#get-stdin')
      break
    case 'subscribe':
      guest.number(`${STREAMS}#[method]input-stream.subscribe`, handle)
      break
    case 'timer':
      guest.number(`${CLOCK}#subscribe-duration`, BigInt(other))
      break
    case 'read':
      guest.readNow(handle, BigInt(other))
      break
    case 'append':
      guest.result(`${TYPES}#[method]fields.append`, handle, ...guest.put('x-new'), ...guest.put(`value ${other}`))
      break
    case 'open':
      openFile(guest, handle, other % 2 === 0 ? 'new' : 'base.txt')
      break
    case 'write':
      guest.result(`${FILES}#[method]descriptor.write`, handle, ...guest.put('secret'), BigInt(other))
      break
    case 'unlink':
      guest.result(`${FILES}#[method]descriptor.unlink-file-at`, handle, ...guest.put(other % 2 === 0 ? 'link' : 'base.txt'))
      break
    case 'entry':
      guest.result(`${FILES}#[method]directory-entry-stream.read-directory-entry`, handle)
      break
    case 'status':
      guest.call(`${TYPES}#[method]outgoing-response.set-status-code`, handle, 200 + other)
      break
    case 'body':
      guest.body(handle)
      break
    case 'drop':
      guest.call(
        ['wasi:io/poll#[drop]pollable', `${STREAMS}#[drop]input-stream`, `${TYPES}#[drop]fields`][other % 3] ?? '',
        handle,
      )
      break
    case 'close':
      guest.call([`${FILES}#[drop]descriptor`, `${STREAMS}#[drop]output-stream`][other % 2] ?? '', handle)
      break
    default:
      throw new Error(`unknown step ${name}`)
  }
}

const STEPS = [
  'add',
  'subscribe',
  'timer',
  'read',
  'append',
  'open',
  'write',
  'unlink',
  'entry',
  'status',
  'body',
  'drop',
  'close',
]

describe('a restore', () => {
  it('leaves nothing of any sequence of operations, and the account as it was', () => {
    const guest = initialised()
    const state = guest.wasi.save()
    const steps = fc.array(
      fc.tuple(fc.constantFrom(...STEPS), fc.integer({ min: 0, max: 24 }), fc.integer({ min: 0, max: 50 })),
      {
        maxLength: 30,
      },
    )
    guest.wasi.restore(state)
    const { held } = guest.environment
    const fresh = observe(guest)
    fc.assert(
      fc.property(steps, fc.boolean(), (sequence, http) => {
        guest.reset()
        guest.wasi.restore(state)
        if (http) guest.open({ body: new Uint8Array(100) })
        for (const step of sequence) {
          try {
            act(guest, step)
          } catch (error) {
            // misuse ends this instance until the restore; the rest of the sequence finds it ended
            if (!(error instanceof Error)) throw error
          }
        }
        guest.wasi.restore(state)
        expect(guest.wasi.equals(state)).toBe(true)
        expect(guest.environment.held).toBe(held)
        expect(observe(guest)).toEqual(fresh)
      }),
      { numRuns: 60 },
    )
  })

  it('brings a state to another instance, also after a structured clone', () => {
    const guest = initialised()
    const state: WasiState = structuredClone(guest.wasi.save())
    const other = new HttpGuest()
    other.wasi.restore(state)
    expect(other.wasi.equals(state)).toBe(true)
    expect(guest.wasi.equals(state)).toBe(true)
    guest.wasi.restore(state)
    other.reset()
    guest.reset()
    expect(observe(other)).toEqual(observe(guest))
  })

  it('gives every invocation the same handle numbers', () => {
    const guest = initialised()
    const state = guest.wasi.save()
    const numbers = Array.from({ length: 3 }, () => {
      guest.wasi.restore(state)
      const call = guest.open()
      guest.fields()
      const more = guest.number('wasi:cli/stdin#get-stdin')
      return [call.request, call.responseOut, more]
    })
    expect(numbers[1]).toEqual(numbers[0])
    expect(numbers[2]).toEqual(numbers[0])
  })

  it('makes the handles of the invocation before worthless', async () => {
    const guest = new HttpGuest()
    const state = guest.wasi.save()
    const call = guest.open({ body: new TextEncoder().encode('secret') })
    const { body, stream } = guest.consume(call.request)
    const fields = guest.number(`${TYPES}#[method]incoming-request.headers`, call.request)
    guest.wasi.finish()
    guest.wasi.restore(state)
    for (const guess of [call.request, call.responseOut, body, stream, fields]) {
      expect(() => guest.readNow(guess)).toThrow(/no live handle/)
      guest.wasi.restore(state)
      expect(() => guest.call(`${TYPES}#[method]fields.entries`, guess, RESULT)).toThrow(/no live handle/)
      guest.wasi.restore(state)
    }
    await expect(call.response).rejects.toThrow(/without setting a response/)
  })

  it('credits open bodies and files', () => {
    const guest = new HttpGuest()
    const state = guest.wasi.save()
    guest.open({ body: new Uint8Array(5000) })
    const response = guest.response([['x-large', 'x'.repeat(1000)]])
    guest.write(guest.body(response).stream, new Uint8Array(3000))
    const file = openFile(guest, preopen(guest), 'file')
    guest.result(`${FILES}#[method]descriptor.write`, file, ...guest.put(new Uint8Array(2000)), 0n)
    expect(guest.environment.held).toBeGreaterThan(11_000)
    guest.wasi.restore(state)
    expect(guest.environment.held).toBe(0)
  })

  it('works when the invocation has used all of its memory', () => {
    const guest = initialised()
    const state = guest.wasi.save()
    const file = openFile(guest, preopen(guest), 'large')
    guest.result(`${FILES}#[method]descriptor.write`, file, ...guest.put(new Uint8Array(1_000_000)), 0n)
    guest.environment.limit = guest.environment.held
    guest.wasi.restore(state)
    expect(guest.wasi.equals(state)).toBe(true)
  })

  it('drops what arrives for the invocation before', async () => {
    const guest = new HttpGuest()
    const state = guest.wasi.save()
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      start: (given) => {
        controller = given
      },
      cancel: () => {
        cancelled = true
      },
    })
    const call = guest.open({ body })
    expect(guest.readNow(guest.consume(call.request).stream)).toBe('')
    guest.wasi.finish()
    guest.wasi.restore(state)
    expect(() => controller?.enqueue(new TextEncoder().encode('late secret'))).toThrow(TypeError)
    await new Promise(setImmediate)
    expect(cancelled).toBe(true)
    expect(guest.environment.held).toBe(0)
    expect(guest.wasi.equals(state)).toBe(true)
  })

  it('drops a chunk that was already on its way', async () => {
    const guest = new HttpGuest()
    const state = guest.wasi.save()
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode('late secret')),
    })
    const call = guest.open({ body })
    expect(guest.readNow(guest.consume(call.request).stream)).toBe('')
    guest.wasi.restore(state)
    await new Promise(setImmediate)
    expect(guest.environment.held).toBe(0)
    expect(guest.wasi.equals(state)).toBe(true)
  })

  it('takes timers and waits away', async () => {
    const guest = new HttpGuest()
    const state = guest.wasi.save()
    const timer = guest.number(`${CLOCK}#subscribe-duration`, 3_600_000_000_000n)
    const waiting = guest.resultLater('wasi:io/poll#poll', ...guest.putWords([timer]))
    guest.environment.abort(new Error('deadline'))
    await expect(within(waiting, 'abort')).rejects.toThrow('deadline')
    guest.environment.alive = true
    guest.wasi.restore(state)
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBeLessThan(5)
    expect(guest.wasi.equals(state)).toBe(true)
  })

  it('lets a streaming reader of the invocation before see an error, not bytes of the next', async () => {
    const guest = new HttpGuest()
    const state = guest.wasi.save()
    const call = guest.open()
    const response = guest.response()
    guest.body(response)
    guest.set(call.responseOut, response)
    const { body } = await within(call.response, 'head')
    guest.wasi.restore(state)
    const next = guest.open()
    guest.answer(next.responseOut, 'for the next')
    await expect(within(collect(body), 'body')).rejects.toThrow(/finished the response body/)
    expect(await collect((await next.response).body)).toBe('for the next')
  })

  it('counts draws anew', () => {
    const guest = new HttpGuest()
    const state = guest.wasi.save()
    guest.call('wasi:random/random#get-random-u64')
    guest.result('wasi:random/random#get-random-bytes', 10n)
    guest.call(`${CLOCK}#now`)
    guest.result('wasi:clocks/wall-clock#now')
    expect(guest.wasi.draws()).toEqual({ random: 2, clock: 2 })
    guest.wasi.restore(state)
    expect(guest.wasi.draws()).toEqual({ random: 0, clock: 0 })
  })

  it('notices every difference', () => {
    const guest = initialised()
    const state = guest.wasi.save()
    expect(guest.wasi.equals(state)).toBe(true)
    guest.number('wasi:cli/stdin#get-stdin')
    expect(guest.wasi.equals(state)).toBe(false)
    guest.wasi.restore(state)
    guest.open()
    expect(guest.wasi.equals(state)).toBe(false)
  })

  it('heals an instance that has trapped or exited', () => {
    const guest = new HttpGuest()
    const state = guest.wasi.save()
    expect(() => guest.call('wasi:cli/exit#exit', 1)).toThrow(ExitError)
    // a guest that catches everything gets no further
    expect(() => guest.number('wasi:cli/stdin#get-stdin')).toThrow(ExitError)
    guest.wasi.restore(state)
    expect(guest.number('wasi:cli/stdin#get-stdin')).toBe(1)
  })
})

describe('a state', () => {
  it('is refused while a body is open, naming it', () => {
    const guest = new HttpGuest()
    guest.body(guest.response())
    expect(() => guest.wasi.save()).toThrow(/open outgoing-response with a body/)
  })

  it('is refused during an HTTP call', () => {
    const guest = new HttpGuest()
    guest.open()
    expect(() => guest.wasi.save()).toThrow(/HTTP call/)
  })

  it('does not restore beyond the memory account', () => {
    const state = initialised().wasi.save()
    const environment = new TestEnvironment()
    environment.limit = 100
    expect(() => createWasi(environment).restore(state)).toThrow(/memory limit/)
  })

  it('must come from save', () => {
    expect(() => createWasi(new TestEnvironment()).restore({})).toThrow(/not a state/)
  })
})

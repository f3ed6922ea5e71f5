import { describe, expect, it } from 'vitest'
import { Guest, RESULT, TestEnvironment } from './driver.ts'
import { HttpGuest, within } from './http-guest.ts'

const POLL = 'wasi:io/poll'
const STREAMS = 'wasi:io/streams'
const CLOCK = 'wasi:clocks/monotonic-clock'

/** Indices that a poll found ready. */
function readyOnes(guest: Guest, view: DataView): number[] {
  const pointer = view.getUint32(0, true)
  return Array.from({ length: view.getUint32(4, true) }, (_, index) => guest.view.getUint32(pointer + index * 4, true))
}

describe('wasi:io/poll', () => {
  it('gives the indices of all that are ready, at once', () => {
    const guest = new Guest()
    const later = guest.number(`${CLOCK}#subscribe-duration`, 1_000_000_000n)
    const now = guest.number(`${CLOCK}#subscribe-instant`, 1n)
    const stdin = guest.number('wasi:cli/stdin#get-stdin')
    const input = guest.number(`${STREAMS}#[method]input-stream.subscribe`, stdin)
    expect(readyOnes(guest, guest.result(`${POLL}#poll`, ...guest.putWords([later, now, input, now])))).toEqual([1, 2, 3])
    expect(guest.call(`${POLL}#[method]pollable.ready`, later)).toBe(0)
    expect(guest.call(`${POLL}#[method]pollable.ready`, now)).toBe(1)
    expect(guest.call(`${POLL}#[method]pollable.block`, now)).toBeUndefined()
  })

  it('waits for the first timer, and looks at the clock again when it wakes', async () => {
    const environment = new TestEnvironment()
    const start = process.hrtime.bigint()
    environment.monotonicClock = () => process.hrtime.bigint() - start
    const guest = new Guest(environment)
    const first = guest.number(`${CLOCK}#subscribe-duration`, 1_500_000n)
    const second = guest.number(`${CLOCK}#subscribe-duration`, 3_600_000_000_000n)
    const view = await within(guest.resultLater(`${POLL}#poll`, ...guest.putWords([second, first])), 'timer')
    expect(readyOnes(guest, view)).toEqual([1])
    expect(environment.monotonicClock()).toBeGreaterThanOrEqual(1_500_000n)
    await within(Promise.resolve(guest.call(`${POLL}#[method]pollable.block`, first)), 'block')
  })

  it('treats instants and durations as unsigned', () => {
    const guest = new Guest()
    const never = guest.number(`${CLOCK}#subscribe-duration`, -1n)
    const last = guest.number(`${CLOCK}#subscribe-instant`, -1n)
    expect(guest.call(`${POLL}#[method]pollable.ready`, never)).toBe(0)
    expect(guest.call(`${POLL}#[method]pollable.ready`, last)).toBe(0)
  })

  it('wakes when a request body arrives', async () => {
    const guest = new HttpGuest()
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined
    const body = new ReadableStream<Uint8Array>({
      start: (given) => {
        controller = given
      },
    })
    const { stream } = guest.consume(guest.open({ body }).request)
    const pollable = guest.number(`${STREAMS}#[method]input-stream.subscribe`, stream)
    const waiting = Promise.resolve(guest.call(`${POLL}#[method]pollable.block`, pollable))
    controller?.enqueue(new TextEncoder().encode('came'))
    await within(waiting, 'body')
    expect(guest.readNow(stream)).toBe('came')
  })

  it('traps on an empty list, on a list out of bounds, on a misaligned one and on handles of other types', () => {
    const attempts: ((guest: Guest) => unknown)[] = [
      (guest) => guest.call(`${POLL}#poll`, RESULT, 0, RESULT),
      (guest) => guest.call(`${POLL}#poll`, guest.size - 4, 2, RESULT),
      (guest) => guest.call(`${POLL}#poll`, RESULT, -1, RESULT),
      (guest) => guest.call(`${POLL}#poll`, RESULT + 1, 1, RESULT),
      (guest) => guest.call(`${POLL}#poll`, ...guest.putWords([guest.number('wasi:cli/stdin#get-stdin')]), RESULT),
      (guest) => guest.call(`${POLL}#[method]pollable.ready`, 0),
      (guest) => guest.call(`${POLL}#[method]pollable.ready`, -1),
    ]
    for (const attempt of attempts) expect(() => attempt(new Guest())).toThrow(WebAssembly.RuntimeError)
  })

  it('can be aborted, after which the instance answers nothing', async () => {
    const guest = new Guest()
    const timer = guest.number(`${CLOCK}#subscribe-duration`, 1_000_000_000n)
    const waiting = Promise.resolve(guest.call(`${POLL}#[method]pollable.block`, timer))
    guest.environment.abort(new Error('cancelled'))
    await expect(within(waiting, 'abort')).rejects.toThrow('cancelled')
    expect(() => guest.call(`${POLL}#[method]pollable.ready`, timer)).toThrow('doomed')
  })
})

describe('wasi:io/streams', () => {
  it('logs what is written to stdout and stderr, in order', () => {
    const guest = new HttpGuest()
    const out = guest.number('wasi:cli/stdout#get-stdout')
    const err = guest.number('wasi:cli/stderr#get-stderr')
    expect(guest.permit(out)).toBe(65_536)
    expect(guest.write(out, 'one').getUint8(0)).toBe(0)
    guest.result(`${STREAMS}#[method]output-stream.blocking-write-and-flush`, err, ...guest.put('two'))
    guest.result(`${STREAMS}#[method]output-stream.write-zeroes`, out, 2n)
    guest.result(`${STREAMS}#[method]output-stream.blocking-write-zeroes-and-flush`, out, 1n)
    expect(guest.result(`${STREAMS}#[method]output-stream.flush`, out).getUint8(0)).toBe(0)
    expect(guest.result(`${STREAMS}#[method]output-stream.blocking-flush`, out).getUint8(0)).toBe(0)
    expect(guest.environment.logged).toEqual([
      { stream: 'stdout', text: 'one' },
      { stream: 'stderr', text: 'two' },
      { stream: 'stdout', text: '\0\0' },
      { stream: 'stdout', text: '\0' },
    ])
  })

  it('has nothing on stdin', async () => {
    const guest = new HttpGuest()
    const stdin = guest.number('wasi:cli/stdin#get-stdin')
    expect(guest.readNow(stdin)).toMatchObject({ error: 'closed' })
    expect(await guest.read(stdin)).toMatchObject({ error: 'closed' })
    const view = guest.result(`${STREAMS}#[method]input-stream.skip`, stdin, 5n)
    expect([view.getUint8(0), view.getUint8(8)]).toEqual([1, 1])
  })

  it('traps on writes beyond what is permitted', () => {
    const over = 65_537
    const attempts: ((guest: HttpGuest, out: number) => unknown)[] = [
      (guest, out) => guest.write(out, new Uint8Array(over)),
      (guest, out) =>
        guest.call(`${STREAMS}#[method]output-stream.blocking-write-and-flush`, out, ...guest.put(new Uint8Array(4097)), RESULT),
      (guest, out) => guest.call(`${STREAMS}#[method]output-stream.write-zeroes`, out, BigInt(over), RESULT),
      (guest, out) => guest.call(`${STREAMS}#[method]output-stream.write-zeroes`, out, -1n, RESULT),
      (guest, out) => guest.call(`${STREAMS}#[method]output-stream.blocking-write-zeroes-and-flush`, out, 4097n, RESULT),
      (guest, out) => guest.call(`${STREAMS}#[method]output-stream.write`, out, guest.size - 2, 3, RESULT),
      (guest, out) => guest.call(`${STREAMS}#[method]output-stream.write`, out, -2, 3, RESULT),
      (guest, out) => guest.call(`${STREAMS}#[method]output-stream.write`, out, 0, 0, guest.size),
      (guest, out) => guest.call(`${STREAMS}#[method]output-stream.check-write`, out, RESULT + 4),
    ]
    for (const attempt of attempts) {
      const guest = new HttpGuest()
      const out = guest.number('wasi:cli/stdout#get-stdout')
      expect(() => attempt(guest, out)).toThrow(WebAssembly.RuntimeError)
      expect(guest.environment.logged).toEqual([])
    }
  })

  it('traps when a stream is dropped before its pollable', () => {
    const guest = new Guest()
    const out = guest.number('wasi:cli/stdout#get-stdout')
    guest.number(`${STREAMS}#[method]output-stream.subscribe`, out)
    expect(() => guest.call(`${STREAMS}#[drop]output-stream`, out)).toThrow(/children/)
  })

  it('splices from one stream to another, as much as both allow', async () => {
    const guest = new HttpGuest()
    const out = guest.number('wasi:cli/stdout#get-stdout')
    const { stream } = guest.consume(guest.open({ body: new TextEncoder().encode('spliced') }).request)
    const first = guest.result(`${STREAMS}#[method]output-stream.splice`, out, stream, 4n)
    expect([first.getUint8(0), first.getBigUint64(8, true)]).toEqual([0, 4n])
    const second = await guest.resultLater(`${STREAMS}#[method]output-stream.blocking-splice`, out, stream, 100n)
    expect(second.getBigUint64(8, true)).toBe(3n)
    expect(guest.environment.logged.map(({ text }) => text)).toEqual(['spli', 'ced'])
    const end = guest.result(`${STREAMS}#[method]output-stream.splice`, out, stream, 4n)
    expect([end.getUint8(0), end.getUint8(8)]).toEqual([1, 1])
  })

  it('waits in blocking-splice for a body that comes in pieces', async () => {
    const guest = new HttpGuest()
    const out = guest.number('wasi:cli/stdout#get-stdout')
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await new Promise(setImmediate)
        controller.enqueue(new TextEncoder().encode('piece'))
        controller.close()
      },
    })
    const { stream } = guest.consume(guest.open({ body }).request)
    const view = await within(guest.resultLater(`${STREAMS}#[method]output-stream.blocking-splice`, out, stream, 100n), 'splice')
    expect(view.getBigUint64(8, true)).toBe(5n)
    expect(guest.environment.logged).toEqual([{ stream: 'stdout', text: 'piece' }])
  })
})

describe('every host function', () => {
  it('traps when it is called from within realloc', () => {
    const guest = new Guest()
    guest.onRealloc = () => guest.call(`${CLOCK}#now`)
    expect(() => guest.call('wasi:cli/environment#get-arguments', RESULT)).toThrow(/within realloc/)
  })

  it('refuses memory that realloc gives out of bounds or misaligned', () => {
    for (const pointer of [-8, 64 * 65_536, 4097]) {
      const guest = new Guest()
      guest.allocate = () => pointer
      expect(() => guest.call('wasi:cli/environment#get-arguments', RESULT)).toThrow(WebAssembly.RuntimeError)
    }
  })

  it('sees memory that grew during realloc', () => {
    const guest = new Guest()
    guest.onRealloc = () => {
      guest.memory.grow(1)
    }
    guest.result('wasi:cli/environment#get-arguments')
    expect(guest.textsAt(RESULT)).toEqual(['program', 'ärgument'])
  })

  it('stops at the memory account when handles are leaked', () => {
    const environment = new TestEnvironment()
    environment.limit = 10_000
    const guest = new Guest(environment)
    expect(() => {
      for (let count = 0; count < 1000; count++) guest.number('wasi:cli/stdin#get-stdin')
    }).toThrow(/memory limit/)
    expect(environment.held).toBeLessThanOrEqual(10_000)
  })

  it('refuses a handle of another type, a dropped one, and a second drop', () => {
    const attempts: ((guest: Guest, stdin: number) => unknown)[] = [
      (guest, stdin) => guest.call(`${STREAMS}#[drop]output-stream`, stdin),
      (guest, stdin) => guest.call('wasi:http/types#[method]fields.entries', stdin, RESULT),
      (guest, stdin) => {
        guest.call(`${STREAMS}#[drop]input-stream`, stdin)
        guest.call(`${STREAMS}#[drop]input-stream`, stdin)
      },
    ]
    for (const attempt of attempts) {
      const guest = new Guest()
      const stdin = guest.number('wasi:cli/stdin#get-stdin')
      expect(() => attempt(guest, stdin)).toThrow(/not a|no live/)
    }
  })

  it('tells of work that grows with what the guest asks for', () => {
    const guest = new Guest()
    const out = guest.number('wasi:cli/stdout#get-stdout')
    const told = (run: () => unknown): number => {
      const before = guest.environment.worked
      run()
      return guest.environment.worked - before
    }
    expect(told(() => guest.result('wasi:random/random#get-random-bytes', 100_000n))).toBeGreaterThanOrEqual(100_000)
    const text = guest.put(new Uint8Array(50_000))
    expect(told(() => guest.result(`${STREAMS}#[method]output-stream.write`, out, ...text))).toBeGreaterThanOrEqual(50_000)
    const timer = guest.number(`${CLOCK}#subscribe-instant`, 0n)
    const list = guest.putWords(Array.from({ length: 1000 }, () => timer))
    expect(told(() => guest.result(`${POLL}#poll`, ...list))).toBeGreaterThanOrEqual(50_000)
    expect(told(() => guest.call(`${CLOCK}#now`))).toBe(0)
  })

  it('reuses the number that was dropped last', () => {
    const guest = new Guest()
    const [first, second] = [guest.number('wasi:cli/stdin#get-stdin'), guest.number('wasi:cli/stdin#get-stdin')]
    guest.call(`${STREAMS}#[drop]input-stream`, first)
    guest.call(`${STREAMS}#[drop]input-stream`, second)
    expect(guest.number('wasi:cli/stdout#get-stdout')).toBe(second)
    expect(guest.number('wasi:cli/stdout#get-stdout')).toBe(first)
  })
})

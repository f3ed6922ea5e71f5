import { describe, expect, it } from 'vitest'
import { AmpouleError } from '../../src/errors.ts'
import { RESULT, TestEnvironment } from './driver.ts'
import { HttpGuest, LIMITS, REQUEST, within } from './http-guest.ts'

const TYPES = 'wasi:http/types'
const STREAMS = 'wasi:io/streams'

/** A body whose chunks the test hands over one by one, and what became of it. */
function manualBody(): {
  body: ReadableStream<Uint8Array>
  send(text: string): void
  end(): void
  fail(): void
  readonly pulls: number
  readonly cancelled: boolean
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const seen = { pulls: 0, cancelled: false }
  const body = new ReadableStream<Uint8Array>(
    {
      start: (given) => {
        controller = given
      },
      pull: () => {
        seen.pulls++
      },
      cancel: () => {
        seen.cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return {
    body,
    send: (text) => controller?.enqueue(new TextEncoder().encode(text)),
    end: () => controller?.close(),
    fail: () => controller?.error(new Error('reset')),
    get pulls() {
      return seen.pulls
    },
    get cancelled() {
      return seen.cancelled
    },
  }
}

describe('an incoming request', () => {
  it.each([
    ['GET', 0],
    ['HEAD', 1],
    ['POST', 2],
    ['PUT', 3],
    ['DELETE', 4],
    ['CONNECT', 5],
    ['OPTIONS', 6],
    ['TRACE', 7],
    ['PATCH', 8],
  ])('has method %s as case %i', (method, discriminant) => {
    const guest = new HttpGuest()
    const { request } = guest.open({ method })
    expect(guest.result(`${TYPES}#[method]incoming-request.method`, request).getUint8(0)).toBe(discriminant)
  })

  it('has any other method by its name', () => {
    const guest = new HttpGuest()
    const { request } = guest.open({ method: 'PROPFIND' })
    expect(guest.result(`${TYPES}#[method]incoming-request.method`, request).getUint8(0)).toBe(9)
    expect(guest.textAt(RESULT + 4)).toBe('PROPFIND')
  })

  it('has scheme, authority and path', () => {
    const guest = new HttpGuest()
    const { request } = guest.open({ scheme: 'https', pathWithQuery: '/ä?b' })
    const scheme = guest.result(`${TYPES}#[method]incoming-request.scheme`, request)
    expect([scheme.getUint8(0), scheme.getUint8(4)]).toEqual([1, 1])
    expect(guest.result(`${TYPES}#[method]incoming-request.authority`, request).getUint8(0)).toBe(1)
    expect(guest.textAt(RESULT + 4)).toBe('example.test')
    expect(guest.result(`${TYPES}#[method]incoming-request.path-with-query`, request).getUint8(0)).toBe(1)
    expect(guest.textAt(RESULT + 4)).toBe('/ä?b')
  })

  it('has its headers in order, in lower case, without those of the connection, immutable', () => {
    const guest = new HttpGuest()
    const { request } = guest.open()
    const headers = guest.number(`${TYPES}#[method]incoming-request.headers`, request)
    guest.result(`${TYPES}#[method]fields.entries`, headers)
    expect(guest.textsAt(RESULT, 2)).toEqual(['content-type', 'text/plain', 'x-double', 'one', 'x-double', 'two'])
    const append = guest.result(`${TYPES}#[method]fields.append`, headers, ...guest.put('x'), ...guest.put('y'))
    expect([append.getUint8(0), append.getUint8(1)]).toEqual([1, 2])
    const copy = guest.number(`${TYPES}#[method]fields.clone`, headers)
    expect(guest.result(`${TYPES}#[method]fields.append`, copy, ...guest.put('x'), ...guest.put('y')).getUint8(0)).toBe(0)
  })

  it('gives header values as the bytes that came', () => {
    const guest = new HttpGuest()
    const { request } = guest.open({ headers: [['x-bytes', '\u00ff\u0080a']] })
    const headers = guest.number(`${TYPES}#[method]incoming-request.headers`, request)
    guest.result(`${TYPES}#[method]fields.get`, headers, ...guest.put('X-Bytes'))
    expect([...guest.bytesAt(guest.view.getUint32(RESULT, true))]).toEqual([0xff, 0x80, 0x61])
  })

  it('traps when it is dropped before its headers', () => {
    const guest = new HttpGuest()
    const { request } = guest.open()
    guest.number(`${TYPES}#[method]incoming-request.headers`, request)
    expect(() => guest.call(`${TYPES}#[drop]incoming-request`, request)).toThrow(/children/)
  })

  it('has a body once, with a stream once', () => {
    const guest = new HttpGuest()
    const { request } = guest.open({ body: new TextEncoder().encode('text') })
    const { body, stream } = guest.consume(request)
    expect(guest.result(`${TYPES}#[method]incoming-request.consume`, request).getUint8(0)).toBe(1)
    expect(guest.result(`${TYPES}#[method]incoming-body.stream`, body).getUint8(0)).toBe(1)
    expect(guest.readNow(stream, 3n)).toBe('tex')
    expect(guest.readNow(stream, -1n)).toBe('t')
    expect(guest.readNow(stream)).toMatchObject({ error: 'closed' })
  })

  it('streams its body, asking for a chunk when the last was taken', async () => {
    const guest = new HttpGuest()
    const source = manualBody()
    const { request } = guest.open({ body: source.body })
    await new Promise(setImmediate)
    expect(source.pulls).toBe(0)
    const { stream } = guest.consume(request)
    expect(guest.readNow(stream)).toBe('')
    source.send('first')
    const read = guest.read(stream, 2n)
    expect(await within(read, 'chunk')).toBe('fi')
    await new Promise(setImmediate)
    expect(source.pulls).toBe(1)
    expect(guest.readNow(stream)).toBe('rst')
    const next = guest.read(stream)
    source.send('')
    source.send('second')
    expect(await within(next, 'chunk')).toBe('second')
    const last = guest.read(stream)
    source.end()
    expect(await within(last, 'end')).toMatchObject({ error: 'closed' })
    expect(guest.readNow(stream)).toMatchObject({ error: 'closed' })
  })

  it('tells the guest when the client ends its body early', async () => {
    const guest = new HttpGuest()
    const source = manualBody()
    const { stream } = guest.consume(guest.open({ body: source.body }).request)
    const read = guest.read(stream)
    source.fail()
    const failed = await within(read, 'failure')
    if (typeof failed === 'string') throw new Error('read a text')
    expect(failed.error).toBe('failed')
    const code = guest.result(`${TYPES}#http-error-code`, failed.handle)
    expect([code.getUint8(0), code.getUint8(8)]).toEqual([1, 7])
    expect(guest.readNow(stream)).toMatchObject({ error: 'closed' })
  })

  it('skips', async () => {
    const guest = new HttpGuest()
    const { stream } = guest.consume(guest.open({ body: new TextEncoder().encode('skipped text') }).request)
    expect(guest.result(`${STREAMS}#[method]input-stream.skip`, stream, 3n).getBigUint64(8, true)).toBe(3n)
    const view = await guest.resultLater(`${STREAMS}#[method]input-stream.blocking-skip`, stream, 5n)
    expect(view.getBigUint64(8, true)).toBe(5n)
    expect(guest.readNow(stream)).toBe('text')
  })

  it('may not have more body than the limit', async () => {
    const guest = new HttpGuest()
    expect(() => guest.open({ body: new Uint8Array(11) }, { maxBodyBytes: 10 })).toThrow(/10 bytes/)
    const other = new HttpGuest()
    const source = manualBody()
    const call = other.open({ body: source.body }, { maxBodyBytes: 10 })
    const { stream } = other.consume(call.request)
    const read = other.read(stream)
    source.send('eleven byte')
    expect(await within(read, 'failure')).toMatchObject({ error: 'failed' })
    await expect(call.response).rejects.toMatchObject({ code: 'PayloadTooLarge' })
    expect(source.cancelled).toBe(true)
  })

  it('may have a limit of its own for the body', () => {
    const guest = new HttpGuest()
    const limits = { ...LIMITS, maxBodyBytes: 10, maxRequestBodyBytes: 20 }
    const call = guest.wasi.http({ ...REQUEST, body: new Uint8Array(20) }, limits)
    expect(call.request).toBe(1)
    guest.wasi.finish()
    expect(() => guest.wasi.http({ ...REQUEST, body: new Uint8Array(21) }, limits)).toThrow(/20 bytes/)
  })

  it('may not have more headers than the limit', () => {
    const guest = new HttpGuest()
    const headers = [['x-large', 'x'.repeat(LIMITS.maxHeaderBytes)]] as const
    expect(() => guest.open({ headers })).toThrow(AmpouleError)
    expect(guest.environment.held).toBe(0)
    expect(guest.open(REQUEST).request).toBe(1)
  })

  it('may not hold more than the memory account', async () => {
    const environment = new TestEnvironment()
    environment.limit = 5000
    const guest = new HttpGuest(environment)
    const source = manualBody()
    const call = guest.open({ body: source.body })
    const { stream } = guest.consume(call.request)
    const read = guest.read(stream)
    source.send('x'.repeat(6000))
    expect(await within(read, 'failure')).toMatchObject({ error: 'failed' })
    await expect(call.response).rejects.toMatchObject({ code: 'MemoryExceeded' })
  })

  it('tells the client to stop when the guest drops the body', async () => {
    const guest = new HttpGuest()
    const source = manualBody()
    const { body, stream } = guest.consume(guest.open({ body: source.body }).request)
    guest.call(`${STREAMS}#[drop]input-stream`, stream)
    guest.call(`${TYPES}#[drop]incoming-body`, body)
    await new Promise(setImmediate)
    expect(source.cancelled).toBe(true)
  })

  it('has no trailers', () => {
    const guest = new HttpGuest()
    const { body, stream } = guest.consume(guest.open({ body: new Uint8Array(1) }).request)
    guest.call(`${STREAMS}#[drop]input-stream`, stream)
    const future = guest.number(`${TYPES}#[static]incoming-body.finish`, body)
    const pollable = guest.number(`${TYPES}#[method]future-trailers.subscribe`, future)
    expect(guest.call('wasi:io/poll#[method]pollable.ready', pollable)).toBe(1)
    const first = guest.result(`${TYPES}#[method]future-trailers.get`, future)
    expect([0, 8, 16, 24].map((at) => first.getUint8(at))).toEqual([1, 0, 0, 0])
    const second = guest.result(`${TYPES}#[method]future-trailers.get`, future)
    expect([0, 8].map((at) => second.getUint8(at))).toEqual([1, 1])
    expect(() => guest.call(`${TYPES}#[drop]future-trailers`, future)).toThrow(/children/)
  })

  it('traps when the body is finished while its stream is alive', () => {
    const guest = new HttpGuest()
    const { body } = guest.consume(guest.open().request)
    expect(() => guest.call(`${TYPES}#[static]incoming-body.finish`, body)).toThrow(/children/)
  })
})

describe('an outgoing request', () => {
  it('keeps what it is given, and is denied', () => {
    const guest = new HttpGuest()
    const request = guest.number(`${TYPES}#[constructor]outgoing-request`, guest.fields([['accept', '*/*']]))
    const set = (name: string, ...args: number[]): unknown =>
      guest.call(`${TYPES}#[method]outgoing-request.set-${name}`, request, ...args)
    expect(set('method', 9, ...guest.put('QUERY'))).toBe(0)
    expect(set('method', 9, ...guest.put('not a token'))).toBe(1)
    expect(set('scheme', 1, 1, 0, 0)).toBe(0)
    expect(set('scheme', 1, 2, ...guest.put('no scheme'))).toBe(1)
    expect(set('authority', 1, ...guest.put('example.test:8080'))).toBe(0)
    expect(set('authority', 1, ...guest.put('two\r\nlines'))).toBe(1)
    expect(set('path-with-query', 1, ...guest.put('/path'))).toBe(0)
    expect(set('path-with-query', 1, ...guest.put('/path HTTP/1.1\r\nx: y'))).toBe(1)
    expect(guest.result(`${TYPES}#[method]outgoing-request.method`, request).getUint8(0)).toBe(9)
    expect(guest.textAt(RESULT + 4)).toBe('QUERY')
    expect(guest.result(`${TYPES}#[method]outgoing-request.scheme`, request).getUint8(4)).toBe(1)
    guest.result(`${TYPES}#[method]outgoing-request.authority`, request)
    expect(guest.textAt(RESULT + 4)).toBe('example.test:8080')
    expect(set('path-with-query', 0, 0, 0)).toBe(0)
    expect(guest.result(`${TYPES}#[method]outgoing-request.path-with-query`, request).getUint8(0)).toBe(0)
    const body = guest.owned(`${TYPES}#[method]outgoing-request.body`, request)
    const options = guest.number(`${TYPES}#[constructor]request-options`)
    expect(guest.call(`${TYPES}#[method]request-options.set-connect-timeout`, options, 1, -1n)).toBe(0)
    expect(guest.call(`${TYPES}#[method]request-options.set-first-byte-timeout`, options, 1, 5n)).toBe(0)
    const timeout = guest.result(`${TYPES}#[method]request-options.connect-timeout`, options)
    expect([timeout.getUint8(0), timeout.getBigUint64(8, true)]).toEqual([1, 2n ** 64n - 1n])
    expect(guest.result(`${TYPES}#[method]request-options.between-bytes-timeout`, options).getUint8(0)).toBe(0)
    const denied = guest.result('wasi:http/outgoing-handler#handle', request, 1, options)
    expect([denied.getUint8(0), denied.getUint8(8)]).toEqual([1, 15])
    // request and options were given away, the body was not
    guest.call(`${TYPES}#[drop]outgoing-body`, body)
    expect(() => guest.call(`${TYPES}#[drop]request-options`, options)).toThrow(/no live handle/)
  })

  it('is charged for what it is given', () => {
    const guest = new HttpGuest()
    const request = guest.number(`${TYPES}#[constructor]outgoing-request`, guest.fields())
    const { held } = guest.environment
    const set = (path: string): unknown =>
      guest.call(`${TYPES}#[method]outgoing-request.set-path-with-query`, request, 1, ...guest.put(path))
    expect(set('x'.repeat(50_000))).toBe(0)
    expect(guest.environment.held).toBeGreaterThan(held + 50_000)
    expect(set('/')).toBe(0)
    expect(guest.environment.held).toBeLessThan(held + 50)
    guest.call(`${TYPES}#[drop]outgoing-request`, request)
    expect(guest.environment.held).toBe(0)
  })

  it('traps on discriminants that do not exist', () => {
    for (const args of [
      ['set-method', 10, 0, 0],
      ['set-scheme', 1, 3, 0, 0],
      ['set-scheme', 2, 0, 0, 0],
      ['set-authority', 2, 0, 0],
    ] as const) {
      const guest = new HttpGuest()
      const request = guest.number(`${TYPES}#[constructor]outgoing-request`, guest.fields())
      const [name, ...rest] = args
      expect(() => guest.call(`${TYPES}#[method]outgoing-request.${name}`, request, ...rest)).toThrow(/discriminant/)
    }
  })
})

describe('fields', () => {
  it('are set, looked up without regard to case, and deleted', () => {
    const guest = new HttpGuest()
    const fields = guest.fields([
      ['X-One', '1'],
      ['x-two', '2'],
      ['x-one', 'again'],
    ])
    const has = (name: string): unknown => guest.call(`${TYPES}#[method]fields.has`, fields, ...guest.put(name))
    expect([has('X-ONE'), has('x-three'), has('not a token')]).toEqual([1, 0, 0])
    guest.result(`${TYPES}#[method]fields.get`, fields, ...guest.put('x-ONE'))
    expect(guest.textsAt(RESULT)).toEqual(['1', 'again'])
    guest.result(`${TYPES}#[method]fields.set`, fields, ...guest.put('x-one'), ...guest.putList(['new', 'newer']))
    guest.result(`${TYPES}#[method]fields.delete`, fields, ...guest.put('X-Two'))
    guest.result(`${TYPES}#[method]fields.entries`, fields)
    expect(guest.textsAt(RESULT, 2)).toEqual(['x-one', 'new', 'x-one', 'newer'])
    guest.result(`${TYPES}#[method]fields.set`, fields, ...guest.put('x-one'), ...guest.putList([]))
    expect(has('x-one')).toBe(0)
  })

  it.each([
    ['', 'value', 0],
    ['two words', 'value', 0],
    ['colon:', 'value', 0],
    ['ümlaut', 'value', 0],
    ['line\r\nbreak', 'value', 0],
    ['x', 'value\r\nset-cookie: stolen', 0],
    ['x', 'value\n', 0],
    ['x', 'nul\0', 0],
    ['x', 'delete\u007f', 0],
    ['Connection', 'close', 1],
    ['transfer-encoding', 'chunked', 1],
    ['Host', 'elsewhere', 1],
  ])('refuse %j: %j with header-error %i', (name, value, error) => {
    const guest = new HttpGuest()
    const fields = guest.fields()
    const outcome = (path: string, ...args: number[]): number[] => {
      const view = guest.result(`${TYPES}#${path}`, ...args)
      return [view.getUint8(0), view.getUint8(path.includes('from-list') ? 4 : 1)]
    }
    expect(outcome('[method]fields.append', fields, ...guest.put(name), ...guest.put(value))).toEqual([1, error])
    expect(outcome('[method]fields.set', fields, ...guest.put(name), ...guest.putList(['fine', value]))).toEqual([1, error])
    expect(
      outcome(
        '[static]fields.from-list',
        ...guest.putPairs([
          ['fine', 'fine'],
          [name, value],
        ]),
      ),
    ).toEqual([1, error])
    guest.result(`${TYPES}#[method]fields.entries`, fields)
    expect(guest.textsAt(RESULT, 2)).toEqual([])
  })

  it('stop at the memory account', () => {
    const environment = new TestEnvironment()
    environment.limit = 20_000
    const guest = new HttpGuest(environment)
    const fields = guest.fields()
    const [name, value] = [guest.put('x'), guest.put('y'.repeat(1000))]
    expect(() => {
      for (let count = 0; count < 100; count++) guest.result(`${TYPES}#[method]fields.append`, fields, ...name, ...value)
    }).toThrow(/memory limit/)
  })

  it('are bounded in number and size, since every lookup walks them', () => {
    const many = new HttpGuest()
    const fields = many.fields()
    const [name, value] = [many.put('x'), many.put('y')]
    expect(() => {
      for (let count = 0; count < 3000; count++) many.result(`${TYPES}#[method]fields.append`, fields, ...name, ...value)
    }).toThrow(/more than 2048/)
    const large = new HttpGuest()
    const other = large.fields()
    const text = large.put('z'.repeat(200_000))
    expect(large.result(`${TYPES}#[method]fields.append`, other, ...large.put('x'), ...text).getUint8(0)).toBe(0)
    large.result(`${TYPES}#[method]fields.get`, other, ...large.put('x'))
    expect(large.textsAt(RESULT)).toEqual(['z'.repeat(200_000)])
    expect(() => large.result(`${TYPES}#[method]fields.append`, other, ...large.put('x'), ...text)).toThrow(
      /bytes of header fields/,
    )
  })

  it('give back what was replaced or deleted', () => {
    const guest = new HttpGuest()
    const fields = guest.fields([['x', 'value']])
    const { held } = guest.environment
    const set = (value: string): unknown =>
      guest.result(`${TYPES}#[method]fields.set`, fields, ...guest.put('x'), ...guest.putList([value]))
    for (let count = 0; count < 100; count++) set(`other value ${count}`)
    set('value')
    expect(guest.environment.held).toBe(held)
  })

  it('give back what they held', () => {
    const guest = new HttpGuest()
    const fields = guest.fields([['x', 'y']])
    guest.call(`${TYPES}#[drop]fields`, fields)
    expect(guest.environment.held).toBe(0)
  })

  it('trap on lists and names out of bounds and on names that are not UTF-8', () => {
    const attempts: ((guest: HttpGuest, fields: number) => unknown)[] = [
      (guest) => guest.call(`${TYPES}#[static]fields.from-list`, guest.size - 16, 2, RESULT),
      (guest) => guest.call(`${TYPES}#[static]fields.from-list`, 0, -1, RESULT),
      (guest, fields) => guest.call(`${TYPES}#[method]fields.has`, fields, guest.size, 1),
      (guest, fields) => guest.call(`${TYPES}#[method]fields.has`, fields, ...guest.put(Uint8Array.of(0xc3))),
    ]
    for (const attempt of attempts) {
      const guest = new HttpGuest()
      expect(() => attempt(guest, guest.fields())).toThrow(WebAssembly.RuntimeError)
    }
  })
})

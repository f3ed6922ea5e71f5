import { expect } from 'vitest'
import { HEAP, REALLOC, REQUEST, respond, RESPONSE_OUT, RESULT, Script, setResponse } from '../guests/scripted.ts'
import { AmpouleError, type ErrorCode } from '../../src/errors.ts'
import type { GuestRequest, GuestResponse } from '../../src/wasi/contract.ts'

/** One way to misuse the host. */
export interface Attack {
  readonly name: string
  readonly script: () => Script
  /** `cheap`: 5 million units of fuel; `late`: 15 ms; `rich`: 2 billion units. */
  readonly target: 'cheap' | 'late' | 'rich'
  /** Rounds are divided by it. */
  readonly slowness?: number
  /** The client goes away at once. */
  readonly cancelled?: boolean
  /** Memory grows, which the portable strategy answers with another instance. */
  readonly grows?: boolean
  /** Length of the event, when it is to be longer than the script. */
  readonly length?: number
  /** By wasi:http instead of the event world. */
  readonly http?: HttpAttack
  check(result: unknown, lines: readonly string[]): void
}

interface HttpAttack {
  readonly body?: () => GuestRequest['body']
  read(response: GuestResponse): Promise<unknown>
}

const fails =
  (...codes: ErrorCode[]) =>
  (result: unknown): void => {
    expect(result).toBeInstanceOf(AmpouleError)
    expect(codes).toContain((result as AmpouleError).code)
  }
const succeeds = (result: unknown): void => expect(result).not.toBeInstanceOf(Error)
const hasNoHeaders = (result: unknown): void => expect(result).toMatchObject({ status: 200, headers: [] })
const MAX_BODY_BYTES = 1e6

/** The whole body, or what ended it. */
async function readAll({ body }: GuestResponse): Promise<{ readonly bytes: number; readonly error: unknown }> {
  if (body === null || body instanceof Uint8Array) return { bytes: body?.length ?? 0, error: undefined }
  let bytes = 0
  try {
    for await (const chunk of body) bytes += chunk.length
    return { bytes, error: undefined }
  } catch (error) {
    return { bytes, error }
  }
}

export function hostileRequest(script: Script, { body }: Pick<HttpAttack, 'body'>): GuestRequest {
  return {
    method: 'POST',
    scheme: 'http',
    authority: 'example.test',
    pathWithQuery: script.path(),
    headers: [],
    body: body?.() ?? null,
  }
}

/** What attacks write into memory. */
export const SECRET = 0x5ec2e7a5beefcafen

const FAR = 0x7fff_ffff_ffff_ffffn
const CLOCK = 'wasi:clocks/monotonic-clock'
const TYPES = 'wasi:http/types'
const STREAMS = 'wasi:io/streams'

const script = (write: (script: Script) => void) => (): Script => {
  const made = new Script()
  write(made)
  return made
}

const waiting = (one: Script): void =>
  void one.call('wasi:io/poll#[method]pollable.block', one.call(`${CLOCK}#subscribe-duration`, FAR))

const swallowing = script((one) => {
  const pollable = one.call(`${CLOCK}#subscribe-duration`, FAR)
  one.do('pages', HEAP, 0x100000, SECRET)
  one.do('catching', 1)
  one.repeat(0, () => one.call('wasi:io/poll#[method]pollable.block', pollable))
})

/** A stream of the request's body, blocked in a read. */
const readingBody = (one: Script): void => {
  const body = one.ask(`${TYPES}#[method]incoming-request.consume`, [REQUEST])
  const stream = one.ask(`${TYPES}#[method]incoming-body.stream`, [body])
  one.call(`${STREAMS}#[method]input-stream.blocking-read`, stream, 1000n, RESULT)
}

const silent = (): ReadableStream<Uint8Array> => new ReadableStream<Uint8Array>({})

const openResponse = (one: Script): ReturnType<Script['do']>[] => {
  const response = one.call(`${TYPES}#[constructor]outgoing-response`, one.call(`${TYPES}#[constructor]fields`))
  const body = one.ask(`${TYPES}#[method]outgoing-response.body`, [response])
  return [response, body, one.ask(`${TYPES}#[method]outgoing-body.write`, [body])]
}

/** Asks cabi_realloc for room from within an import. */
const allocating = (mode: number, more: (one: Script) => void = () => undefined): (() => Script) =>
  script((one) => {
    one.do('pages', HEAP + 0x1000, 0x100000, SECRET)
    one.do('realloc', mode)
    one.call('wasi:random/random#get-random-bytes', 100n, RESULT)
    more(one)
  })

const log = (byte: number): (() => Script) =>
  script((one) => {
    const stdout = one.call('wasi:cli/stdout#get-stdout')
    one.do('fill', HEAP, byte, 65_536)
    one.repeat(0, () => one.call(`${STREAMS}#[method]output-stream.write`, stdout, HEAP, 65_536, RESULT))
  })

const header = (value: string, count: number): (() => Script) =>
  script((one) => {
    const fields = one.call(`${TYPES}#[constructor]fields`)
    const [name, nameLength] = one.place('x-name')
    const [at, length] = one.place(value)
    one.repeat(count, () => one.call(`${TYPES}#[method]fields.append`, fields, name, nameLength, at, length, RESULT))
    respond(one, 'body', fields)
  })

const http: HttpAttack = { read: readAll }

export const attacks: readonly Attack[] = [
  // --- waiting ---
  { name: 'a wait without end', target: 'late', slowness: 10, script: script(waiting), check: fails('DeadlineExceeded') },
  { name: 'a wait whose client goes away', target: 'rich', cancelled: true, script: script(waiting), check: fails('Cancelled') },
  {
    name: 'a wait in a loop that catches everything, until the deadline',
    target: 'late',
    slowness: 10,
    script: swallowing,
    check: fails('DeadlineExceeded'),
  },
  {
    name: 'a wait in a loop that catches everything, whose client goes away',
    target: 'rich',
    cancelled: true,
    script: swallowing,
    check: fails('Cancelled'),
  },
  {
    name: 'reading a body that never comes',
    target: 'late',
    slowness: 10,
    script: script(readingBody),
    http: { body: silent, ...http },
    check: fails('DeadlineExceeded'),
  },
  {
    name: 'reading a body that never comes, whose client goes away',
    target: 'rich',
    cancelled: true,
    script: script(readingBody),
    http: { body: silent, ...http },
    check: fails('Cancelled'),
  },
  {
    name: 'waiting for a million pollables at once',
    target: 'rich',
    slowness: 20,
    grows: true,
    script: script((one) => {
      waitingFor(one, 1_000_000)
    }),
    check: fails('FunctionTrapped'),
  },
  {
    name: 'waiting for 4,096 pollables at once',
    target: 'late',
    slowness: 20,
    script: script((one) => waitingFor(one, 4096)),
    check: fails('DeadlineExceeded'),
  },
  // --- handles ---
  {
    name: 'leaking handles',
    target: 'rich',
    slowness: 20,
    script: script((one) => one.repeat(0, () => one.call('wasi:cli/stdout#get-stdout'))),
    check: fails('MemoryExceeded'),
  },
  {
    name: 'leaving handles open',
    target: 'cheap',
    script: script((one) => one.repeat(20, () => one.call(`${CLOCK}#subscribe-duration`, FAR))),
    check: succeeds,
  },
  {
    name: 'dropping a stream before its pollable',
    target: 'cheap',
    script: script((one) => {
      const stdin = one.call('wasi:cli/stdin#get-stdin')
      one.call(`${STREAMS}#[method]input-stream.subscribe`, stdin)
      one.call(`${STREAMS}#[resource-drop]input-stream`, stdin)
    }),
    check: fails('FunctionTrapped'),
  },
  // --- cabi_realloc, called by an import ---
  { name: 'a trap in realloc', target: 'cheap', script: allocating(REALLOC.trap), check: fails('FunctionTrapped') },
  {
    name: 'an endless loop in realloc',
    target: 'cheap',
    slowness: 2,
    script: allocating(REALLOC.loop),
    // Where the machine stops the thread for long, the clock comes first.
    check: fails('FuelExhausted', 'FunctionTrapped', 'DeadlineExceeded'),
  },
  {
    name: 'an endless loop in realloc with fuel',
    target: 'late',
    slowness: 50,
    script: allocating(REALLOC.loop),
    check: fails('FunctionTrapped', 'DeadlineExceeded'),
  },
  {
    name: 'endless recursion in realloc',
    target: 'rich',
    slowness: 4,
    script: allocating(REALLOC.recurse),
    check: fails('FunctionTrapped'),
  },
  {
    name: 'realloc giving a pointer behind the memory',
    target: 'cheap',
    script: allocating(REALLOC.behind),
    check: fails('FunctionTrapped'),
  },
  { name: 'realloc giving too little', target: 'cheap', script: allocating(REALLOC.tooShort), check: fails('FunctionTrapped') },
  {
    name: 'realloc giving a pointer without alignment',
    target: 'cheap',
    script: script((one) => {
      one.do('realloc', REALLOC.unaligned)
      one.call('wasi:filesystem/preopens#get-directories', RESULT)
    }),
    check: fails('FunctionTrapped'),
  },
  { name: 'a host call in realloc', target: 'cheap', script: allocating(REALLOC.callHost), check: fails('FunctionTrapped') },
  { name: 'a wait in realloc', target: 'cheap', script: allocating(REALLOC.wait), check: fails('FunctionTrapped') },
  {
    name: 'a wait in realloc, caught',
    target: 'cheap',
    script: allocating(REALLOC.waitCaught, waiting),
    cancelled: true,
    check: (result) => expect(result).toBeDefined(),
  },
  // --- cabi_realloc, called for the event ---
  ...(['trap', 'loop', 'behind', 'tooShort', 'wait'] as const).map((mode): Attack => ({
    name: `realloc for the event: ${mode}`,
    slowness: 2,
    target: 'cheap',
    length: 60_000 + REALLOC[mode],
    script: script((one) => one.do('forever')),
    check: fails('FunctionTrapped', 'FuelExhausted'),
  })),
  {
    name: 'realloc for the event: a wait that was caught, then the deadline',
    target: 'late',
    slowness: 10,
    length: 60_000 + REALLOC.waitCaught,
    script: script((one) => one.do('forever')),
    check: fails('DeadlineExceeded'),
  },
  // --- log ---
  { name: 'a flood of empty lines', target: 'cheap', slowness: 100, script: log(10), check: fails('FuelExhausted') },
  {
    name: 'a line without end',
    target: 'cheap',
    slowness: 5,
    script: log(65),
    check: (result, lines) => {
      fails('FuelExhausted')(result)
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(16_384)
    },
  },
  // --- lengths, clocks, random ---
  {
    name: 'four gigabytes of random bytes',
    target: 'cheap',
    script: script((one) => one.call('wasi:random/random#get-random-bytes', 0xffff_ffffn, RESULT)),
    check: fails('FunctionTrapped'),
  },
  {
    name: '2^63 random bytes',
    target: 'cheap',
    script: script((one) => one.call('wasi:random/random#get-random-bytes', -1n, RESULT)),
    check: fails('FunctionTrapped'),
  },
  {
    name: 'random bytes without end',
    target: 'rich',
    slowness: 50,
    grows: true,
    script: script((one) => one.repeat(0, () => one.call('wasi:random/random#get-random-bytes', 65_536n, RESULT))),
    check: fails('MemoryExceeded', 'FuelExhausted'),
  },
  {
    name: 'the clock without end',
    target: 'cheap',
    slowness: 4,
    script: script((one) => one.repeat(0, () => one.call(`${CLOCK}#now`))),
    check: fails('FuelExhausted'),
  },
  {
    name: 'a write of bytes beyond the memory',
    target: 'cheap',
    script: script((one) =>
      one.call(`${STREAMS}#[method]output-stream.write`, one.call('wasi:cli/stdout#get-stdout'), HEAP, -1, RESULT),
    ),
    check: fails('FunctionTrapped'),
  },
  {
    name: 'a list of pollables beyond the memory',
    target: 'cheap',
    script: script((one) => one.call('wasi:io/poll#poll', HEAP, 0x3fff_ffff, RESULT)),
    check: fails('FunctionTrapped'),
  },
  {
    name: 'a list of headers beyond the memory',
    target: 'cheap',
    script: script((one) => one.call(`${TYPES}#[static]fields.from-list`, HEAP, 0x1fff_ffff, RESULT)),
    check: fails('FunctionTrapped'),
  },
  {
    name: 'a result outside its memory',
    target: 'cheap',
    script: script((one) => one.call('wasi:cli/environment#get-environment', -4)),
    check: fails('FunctionTrapped'),
  },
  {
    name: 'endless recursion with a host call at every level',
    target: 'rich',
    slowness: 4,
    script: script((one) => one.do('recurse', 0)),
    check: fails('FunctionTrapped'),
  },
  // --- exit ---
  {
    name: 'exit with success',
    target: 'cheap',
    script: script((one) => one.call('wasi:cli/exit#exit', 0)),
    check: fails('FunctionError'),
  },
  {
    name: 'exit with failure, caught',
    target: 'cheap',
    slowness: 20,
    script: script((one) => {
      one.do('catching', 1)
      one.repeat(0, () => one.call('wasi:cli/exit#exit', 1))
    }),
    check: fails('FuelExhausted', 'FunctionError'),
  },
  // --- responses ---
  { name: 'no response', target: 'cheap', http, script: () => new Script(), check: fails('InvalidResponse') },
  {
    name: 'no response, streams and bodies left open',
    target: 'cheap',
    http: { body: silent, ...http },
    script: script((one) => {
      const body = one.ask(`${TYPES}#[method]incoming-request.consume`, [REQUEST])
      const input = one.ask(`${TYPES}#[method]incoming-body.stream`, [body])
      one.call(`${STREAMS}#[method]input-stream.subscribe`, input)
      const output = openResponse(one)[2]
      one.call(`${STREAMS}#[method]output-stream.subscribe`, output ?? 0)
      one.call(`${STREAMS}#[method]output-stream.write`, output ?? 0, HEAP, 60_000, RESULT)
    }),
    check: fails('InvalidResponse'),
  },
  {
    name: 'a response set twice',
    target: 'cheap',
    http,
    script: script((one) => {
      const [response] = openResponse(one)
      setResponse(one, response ?? 0)
      const [second] = openResponse(one)
      setResponse(one, second ?? 0)
    }),
    check: fails('FunctionTrapped'),
  },
  {
    name: 'the outparam dropped',
    target: 'cheap',
    http,
    script: script((one) => one.call(`${TYPES}#[resource-drop]response-outparam`, RESPONSE_OUT)),
    check: fails('InvalidResponse'),
  },
  {
    name: 'a body that is never finished',
    target: 'cheap',
    http,
    script: script((one) => {
      const [response] = openResponse(one)
      setResponse(one, response ?? 0)
    }),
    check: fails('InvalidResponse'),
  },
  {
    name: 'a trap after the head was sent',
    target: 'cheap',
    slowness: 4,
    http,
    script: script((one) => {
      const [response, , stream] = openResponse(one)
      setResponse(one, response ?? 0)
      one.call(`${STREAMS}#[method]output-stream.blocking-write-and-flush`, stream ?? 0, HEAP, 1000, RESULT)
      // Gives up the thread, so that the head goes out.
      one.call('wasi:io/poll#[method]pollable.block', one.call(`${CLOCK}#subscribe-duration`, 3_000_000n))
      one.do('trap')
    }),
    // A busy host may find no time to send the head; then there is no body to fail.
    check: (result) => fails('FunctionTrapped')(result instanceof AmpouleError ? result : (result as { error: unknown }).error),
  },
  {
    name: 'a response body without end',
    target: 'rich',
    slowness: 10,
    http,
    script: script((one) => {
      const [response, , stream] = openResponse(one)
      setResponse(one, response ?? 0)
      one.repeat(300, () =>
        one.call(`${STREAMS}#[method]output-stream.blocking-write-and-flush`, stream ?? 0, HEAP, 4096, RESULT),
      )
    }),
    check: (result) => {
      expect(result).toMatchObject({ error: { code: 'ResponseTooLarge' } })
      expect((result as { bytes: number }).bytes).toBeLessThanOrEqual(MAX_BODY_BYTES)
    },
  },
  {
    name: 'a response body that nobody reads',
    target: 'late',
    slowness: 10,
    http: { read: () => Promise.resolve('not read') },
    script: script((one) => {
      const [response, , stream] = openResponse(one)
      setResponse(one, response ?? 0)
      one.repeat(0, () => one.call(`${STREAMS}#[method]output-stream.blocking-write-and-flush`, stream ?? 0, HEAP, 4096, RESULT))
    }),
    // As above.
    check: (result) => (result === 'not read' ? undefined : fails('DeadlineExceeded')(result)),
  },
  {
    name: 'thousands of response headers',
    target: 'rich',
    slowness: 10,
    http,
    script: header('v', 3000),
    check: fails('FunctionTrapped'),
  },
  {
    name: 'giant response headers',
    target: 'rich',
    slowness: 10,
    http,
    script: header('v'.repeat(2000), 100),
    check: fails('InvalidResponse', 'ResponseTooLarge', 'FunctionTrapped'),
  },
  ...['a\r\nset-cookie: stolen=1', 'a\nb', 'a\0b', 'a\rb'].map((value): Attack => ({
    name: `a response header with ${JSON.stringify(value)}`,
    target: 'cheap',
    slowness: 4,
    http: { read: (response) => Promise.resolve(response) },
    script: header(value, 1),
    check: hasNoHeaders,
  })),
]

/** `poll` of a list that names one pollable over and over. */
function waitingFor(one: Script, count: number): void {
  one.call(`${CLOCK}#subscribe-duration`, FAR)
  const pages = Math.ceil((count * 4) / 65_536)
  if (pages > 8) one.do('grow', pages)
  const at = one.do('add', HEAP, 0)
  one.repeat(count / 2, () => {
    // It is the first handle of the invocation.
    one.do('store64', at, (1n << 32n) | 1n)
    one.advance(at, 8)
  })
  one.call('wasi:io/poll#poll', HEAP, count, RESULT)
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostileRequest } from './attacks.ts'
import { context, strategies, TestLane } from './lane.ts'
import { ROUNDS } from './rounds.ts'
import { HEAP, REQUEST, respond, registers, RESULT, Script, scriptedGuest, setResponse } from '../guests/scripted.ts'
import type { CounterIndex } from '../../src/engine/counts.ts'
import type { Runner } from '../../src/engine/runner.ts'
import type { GuestRequest, GuestResponse } from '../../src/wasi/contract.ts'

const SOME = Math.max(5, Math.floor(ROUNDS / 10))
const TYPES = 'wasi:http/types'
const STREAMS = 'wasi:io/streams'
const CLOCK = 'wasi:clocks/monotonic-clock'

/** Reads the request's body once, however long that takes, and answers with what it read. */
function echoOnce(): Script {
  const script = new Script()
  const body = script.ask(`${TYPES}#[method]incoming-request.consume`, [REQUEST])
  const input = script.ask(`${TYPES}#[method]incoming-body.stream`, [body])
  const at = script.ask(`${STREAMS}#[method]input-stream.blocking-read`, [input, 1000n])
  const length = script.do('load32', RESULT + 8)
  const response = script.call(`${TYPES}#[constructor]outgoing-response`, script.call(`${TYPES}#[constructor]fields`))
  const outgoing = script.ask(`${TYPES}#[method]outgoing-response.body`, [response])
  const stream = script.ask(`${TYPES}#[method]outgoing-body.write`, [outgoing])
  setResponse(script, response)
  script.call(`${STREAMS}#[method]output-stream.blocking-write-and-flush`, stream, at, length, RESULT)
  script.call(`${STREAMS}#[resource-drop]output-stream`, stream)
  script.call(`${TYPES}#[static]outgoing-body.finish`, outgoing, 0, 0, RESULT)
  return script
}

const text = async ({ body }: GuestResponse): Promise<string> =>
  Buffer.from(await new Response(body as BodyInit | null).arrayBuffer()).toString()

/** A body that a test fills by hand. */
function manual(): {
  readonly body: ReadableStream<Uint8Array>
  readonly controller: ReadableStreamDefaultController<Uint8Array>
  readonly cancelled: () => boolean
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let isCancelled = false
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => void (isCancelled = true),
  })
  if (controller === undefined) throw new Error('a stream starts at once')
  return { body, controller, cancelled: () => isCancelled }
}

/** A source whose reads are settled by hand, after it was cancelled too. */
class LateSource {
  readonly #reads: {
    readonly resolve: (value: ReadableStreamReadResult<Uint8Array>) => void
    readonly reject: (error: Error) => void
  }[] = []
  readonly body: ReadableStream<Uint8Array>

  constructor() {
    const reader = {
      read: () => new Promise<ReadableStreamReadResult<Uint8Array>>((resolve, reject) => this.#reads.push({ resolve, reject })),
      cancel: () => Promise.resolve(),
      releaseLock: () => undefined,
      closed: new Promise<undefined>(() => undefined),
    }
    this.body = Object.assign(new ReadableStream<Uint8Array>(), { getReader: () => reader })
  }

  get waiting(): number {
    return this.#reads.length
  }

  deliver(value: string): void {
    this.#reads.shift()?.resolve({ done: false, value: Buffer.from(value) })
  }

  fail(): void {
    this.#reads.shift()?.reject(new Error('connection lost'))
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe.each(strategies)('a completion that arrives after the restore by "%s" touches nothing', (restore) => {
  const lane = new TestLane(restore)
  let runner: Runner
  let neighbour: Runner

  beforeAll(async () => {
    const component = await scriptedGuest()
    // One instance: the next invocation is in the place of the one before.
    runner = await lane.deploy('alone', component, { concurrency: 2, limits: { fuel: 100_000_000n } })
    neighbour = await lane.deploy('neighbour', component)
  })
  afterAll(() => lane.close())

  /** Starts a wasi:http invocation and cancels it when it waits. */
  const abandoned = async (script: Script, body: GuestRequest['body'], isWaiting: () => boolean): Promise<void> => {
    const controller = new AbortController()
    const started = runner.invokeHttp(hostileRequest(script, { body: () => body }), context(controller.signal))
    const outcome = started.then(
      () => 'answered',
      (error: unknown) => error,
    )
    while (!isWaiting()) await turn()
    controller.abort()
    expect(await outcome).toMatchObject({ code: 'Cancelled' })
  }

  const echoes = async (one: Runner, value: string): Promise<void> => {
    const { response, done } = await one.invokeHttp(hostileRequest(echoOnce(), { body: () => Buffer.from(value) }), context())
    expect(await text(response)).toBe(value)
    expect((await done).fresh).toBe(false)
  }

  it('a timer', async () => {
    for (let round = 0; round < SOME; round++) {
      const waiting = new Script()
      waiting.call('wasi:io/poll#[method]pollable.block', waiting.call(`${CLOCK}#subscribe-duration`, 4_000_000n))
      const controller = new AbortController()
      const first = runner.invokeEvent(waiting.event(), context(controller.signal)).catch((error: unknown) => error)
      await turn()
      controller.abort()
      expect(await first).toMatchObject({ code: 'Cancelled' })
      // The next one waits beyond the moment of the first timer; it must not be woken by it.
      const second = new Script()
      const before = second.call(`${CLOCK}#now`)
      second.call('wasi:io/poll#[method]pollable.block', second.call(`${CLOCK}#subscribe-duration`, 8_000_000n))
      const after = second.call(`${CLOCK}#now`)
      const [{ payload, report }] = await Promise.all([runner.invokeEvent(second.event(), context()), echoes(neighbour, 'x')])
      const register = registers(payload)
      expect(register(after) - register(before)).toBeGreaterThanOrEqual(8_000_000n)
      expect(report.fresh).toBe(false)
    }
  })

  it.each(['a chunk of the request body', 'the failure of the request body'])('%s', async (what) => {
    for (let round = 0; round < SOME; round++) {
      const late = new LateSource()
      await abandoned(echoOnce(), late.body, () => late.waiting > 0)
      // The next invocation waits for its own body while the old one's read settles.
      const own = new LateSource()
      const next = runner.invokeHttp(hostileRequest(echoOnce(), { body: () => own.body }), context())
      while (own.waiting === 0) await turn()
      if (what.startsWith('a chunk')) late.deliver('secret of the first'.padEnd(900_000))
      else late.fail()
      await turn()
      await turn()
      own.deliver('mine')
      const { response, done } = await next
      expect(await text(response)).toBe('mine')
      const { fresh, memoryBytes } = await done
      expect(fresh).toBe(false)
      // Not even the account of this one knows of the other's chunk.
      expect(memoryBytes).toBeLessThan(17 * 65_536 + 500_000)
      await echoes(neighbour, 'its own')
    }
  })

  it('the client is told to stop sending when the invocation is over', async () => {
    const { body, cancelled } = manual()
    let begun = false
    const original = body.getReader.bind(body)
    const observed = Object.assign(body, {
      getReader: () => {
        begun = true
        return original()
      },
    })
    await abandoned(echoOnce(), observed, () => begun)
    expect(cancelled()).toBe(true)
    await echoes(runner, 'next')
  })

  it.each(['is read late', 'is cancelled late'])('a response stream that %s', async (what) => {
    for (let round = 0; round < SOME; round++) {
      const script = new Script()
      const response = script.call(`${TYPES}#[constructor]outgoing-response`, script.call(`${TYPES}#[constructor]fields`))
      const outgoing = script.ask(`${TYPES}#[method]outgoing-response.body`, [response])
      const stream = script.ask(`${TYPES}#[method]outgoing-body.write`, [outgoing])
      setResponse(script, response)
      script.do('fill', HEAP, 65 + (round % 20), 3000)
      script.call(`${STREAMS}#[method]output-stream.blocking-write-and-flush`, stream, HEAP, 3000, RESULT)
      // Gives up the thread until the test lets it go on, so that the body becomes a stream.
      const body = script.ask(`${TYPES}#[method]incoming-request.consume`, [REQUEST])
      const input = script.ask(`${TYPES}#[method]incoming-body.stream`, [body])
      script.call(`${STREAMS}#[method]input-stream.blocking-read`, input, 1000n, RESULT)
      script.call(`${STREAMS}#[resource-drop]output-stream`, stream)
      script.call(`${TYPES}#[static]outgoing-body.finish`, outgoing, 0, 0, RESULT)
      const gate = new LateSource()
      const first = await runner.invokeHttp(hostileRequest(script, { body: () => gate.body }), context())
      expect(first.response.body).toBeInstanceOf(ReadableStream)
      while (gate.waiting === 0) await turn()
      gate.deliver('go on')
      await first.done
      const pending = runner.invokeHttp(hostileRequest(respond(new Script(), 'the second'), {}), context())
      if (what === 'is read late') expect(await text(first.response)).toBe(String.fromCharCode(65 + (round % 20)).repeat(3000))
      else await (first.response.body as ReadableStream).cancel()
      const second = await pending
      expect(await text(second.response)).toBe('the second')
      expect((await second.done).fresh).toBe(false)
    }
  })

  it('an abort', async () => {
    for (let round = 0; round < SOME; round++) {
      const controller = new AbortController()
      await runner.invokeEvent(new Script().event(), context(controller.signal))
      const waiting = new Script()
      const done = waiting.call(`${CLOCK}#now`)
      waiting.call('wasi:io/poll#[method]pollable.block', waiting.call(`${CLOCK}#subscribe-duration`, 1_000_000n))
      const next = runner.invokeEvent(waiting.event(), context())
      controller.abort()
      expect(registers((await next).payload)(done)).toBeGreaterThan(0n)
    }
  })

  it('and every stack has unwound', () => {
    expect(lane.stuck).toBe(0)
    expect([0, 1].map((index) => lane.counts.running(index as CounterIndex))).toEqual([0, 0])
  })
})

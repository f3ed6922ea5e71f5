import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectRedis, type Redis } from '../../../src/store/redis/connection.ts'
import { RedisStreamSource, type RedisStreamOptions } from '../../../src/store/redis/stream-source.ts'
import type { ReceivedMessage } from '../../../src/store/queue.ts'
import { lacking, redisProgram, startRedis, type TestServer } from '../../tools/servers.ts'

const program = redisProgram()
const text = ({ body }: { readonly body: Uint8Array }) => Buffer.from(body).toString()

describe.skipIf(lacking(program) !== '')(`a stream of Redis${lacking(program)}`, () => {
  let server: TestServer
  let client: Redis
  const sources: RedisStreamSource[] = []
  beforeAll(async () => {
    server = await startRedis(program)
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    client = await connectRedis(server.url)
    await client.flushAll()
  })
  afterEach(async () => {
    for (const source of sources.splice(0)) await source.close()
    client.destroy()
  })

  const givenUp: string[] = []
  const open = (consumer: string, more: Partial<RedisStreamOptions> = {}) => {
    const source = new RedisStreamSource({
      url: server.url,
      key: 'orders',
      group: 'book',
      consumer,
      start: 'first',
      recover: false,
      maxRetries: undefined,
      givenUp: (message) => {
        givenUp.push(text(message))
        return Promise.resolve()
      },
      idleMs: 600,
      now: Date.now,
      ...more,
    })
    sources.push(source)
    const { signal } = new AbortController()
    const receive = (waitMs = 0, limit = 10) => source.receive({ limit, waitMs, signal })
    return { source, receive }
  }
  const add = (fields: Record<string, string | Buffer>) => client.xAdd('orders', '*', fields)
  const receipts = (messages: readonly ReceivedMessage[]) => messages.map(({ receipt }) => receipt)

  it('gives each entry to one consumer of the group, as a message', async () => {
    await add({ body: Buffer.from([255, 1]), kind: 'größe' })
    await add({ amount: '20', to: 'ada' })
    const [one, other] = [open('one'), open('other')]
    const [first] = await one.receive(0, 1)
    expect(first).toMatchObject({
      body: Buffer.from([255, 1]),
      receives: 1,
      attributes: { messageAttributes: { kind: { DataType: 'String', StringValue: 'größe' } } },
    })
    expect(Math.abs(first!.sentMs - Date.now())).toBeLessThan(5_000)
    const [second] = await other.receive()
    expect(JSON.parse(text(second!))).toEqual({ amount: '20', to: 'ada' })
    expect(await one.receive()).toEqual([])
  })

  it('keeps entries from others while they are here, and gives them when their consumer is dead', async () => {
    await add({ body: 'x' })
    const [one, other] = [open('one'), open('other')]
    expect(await one.receive()).toHaveLength(1)
    expect(await other.receive(1_500)).toEqual([])
    await one.source.close()
    await vi.waitFor(async () => expect(await other.receive()).toMatchObject([{ receives: 2 }]), { timeout: 5_000 })
  })

  it('gives a host that is started again what it had, at once', async () => {
    for (const body of ['a', 'b', 'c']) await add({ body })
    const first = open('one', { idleMs: 60_000 })
    expect(await first.receive(0, 2)).toHaveLength(2)
    await first.source.close()
    const { receive } = open('one', { idleMs: 60_000, recover: true })
    const got = [await receive(0, 1), await receive(0, 1), await receive(0, 1)].flat()
    expect(got.map((message) => [text(message), message.receives])).toEqual([
      ['a', 2],
      ['b', 2],
      ['c', 1],
    ])
    expect(await receive()).toEqual([])
  })

  it('gives nothing again that was acknowledged', async () => {
    await add({ body: 'a' })
    await add({ body: 'b' })
    const { source, receive } = open('one')
    const got = await receive()
    await source.acknowledge(receipts(got).slice(0, 1))
    source.leave(receipts(got))
    await vi.waitFor(async () => expect((await receive()).map(text)).toEqual(['b']), { timeout: 5_000 })
    expect(await client.xLen('orders')).toBe(2)
  })

  it('gives entries again after the time that is wanted', async () => {
    await add({ body: 'soon' })
    await add({ body: 'late' })
    const { source, receive } = open('one')
    const [soon, late] = receipts(await receive())
    const startMs = Date.now()
    await source.changeVisibility([{ receipt: soon!, visibilityMs: 0 }, { receipt: late!, visibilityMs: 1_500 }]) // prettier-ignore
    expect((await receive()).map(text)).toEqual(['soon'])
    await vi.waitFor(async () => expect((await receive()).map(text)).toEqual(['late']), { timeout: 5_000 })
    expect(Date.now() - startMs).toBeGreaterThan(1_400)
  })

  it('gives up what fails too often', async () => {
    await add({ body: 'poison' })
    const { source, receive } = open('one', { maxRetries: 1 })
    for (let time = 1; time <= 2; time++) {
      const got = await receive()
      expect(got.map(({ receives }) => receives)).toEqual([time])
      await source.changeVisibility(receipts(got).map((receipt) => ({ receipt, visibilityMs: 0 })))
    }
    expect(await receive()).toEqual([])
    expect(givenUp).toEqual(['poison'])
    expect(await client.xPending('orders', 'book')).toMatchObject({ pending: 0 })
  })

  it('starts a new group with what comes, where that is wanted', async () => {
    await add({ body: 'before' })
    const { receive } = open('one', { start: 'latest', group: 'late' })
    expect(await receive()).toEqual([])
    await add({ body: 'after' })
    expect((await receive()).map(text)).toEqual(['after'])
  })

  it('rejects while Redis is killed, and goes on when it is back', async () => {
    await add({ body: 'kept' })
    const { receive, source } = open('one')
    const got = await receive()
    await add({ body: 'waiting' })
    await server.kill()
    await expect(receive()).rejects.toMatchObject({ code: 'StoreUnavailable' })
    expect(source.trouble).toBe('Redis is away')
    await expect(source.acknowledge(receipts(got))).rejects.toMatchObject({ code: 'StoreUnavailable' })
    await server.start()
    client.destroy()
    client = await connectRedis(server.url)
    expect((await receive()).map(text)).toEqual(['waiting'])
    expect(source.trouble).toBeUndefined()
    source.leave(receipts(got))
    await vi.waitFor(async () => expect((await receive()).map(text)).toEqual(['kept']), { timeout: 5_000 })
  })
})

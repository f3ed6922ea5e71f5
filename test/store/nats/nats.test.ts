import { connect } from '@nats-io/transport-node'
import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { NatsOptions } from '../../../src/store/nats/connection.ts'
import { openNats } from '../../../src/store/nats/open.ts'
import type { Tick } from '../../../src/store/ticks.ts'
import { lacking, natsProgram, startNats, type TestServer } from '../../tools/servers.ts'
import { describeStreamEngine, streamDefinition, streamRecord } from '../stream-conformance.ts'
import { describeQueueEngine, message, queueDefinition } from '../queue-conformance.ts'
import { realClock } from '../clock.ts'

const program = natsProgram()
let server: TestServer

/** Nothing of the tests before. */
async function clear(): Promise<void> {
  const connection = await connect({ servers: server.url })
  const jsm = await jetstreamManager(connection)
  for await (const name of jsm.streams.names()) await jsm.streams.delete(name)
  await connection.close()
}

const options = () => ({ servers: server.url, credentials: undefined, replicas: 1, report: () => undefined })

describe.skipIf(lacking(program) !== '')(`with a NATS server${lacking(program)}`, () => {
  beforeAll(async () => {
    server = await startNats(program)
  })
  afterAll(() => server.close())

  describeStreamEngine('NATS', async () => {
    await clear()
    const engines = await openNats(options(), Date.now)
    return { streams: engines.streams, close: () => engines.close(), clock: realClock }
  })

  describeQueueEngine('NATS', async () => {
    await clear()
    const engines = await openNats(options(), Date.now)
    return { queues: engines.queues, close: () => engines.close(), clock: realClock }
  })

  describe('hosts that share it', () => {
    const opened: { close(): Promise<void> }[] = []
    const open = async (report: NatsOptions['report'] = () => undefined) => {
      const engines = await openNats({ ...options(), report }, Date.now)
      opened.push(engines)
      return engines
    }
    beforeEach(clear)
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((engines) => engines.close()))
    })

    it('see the same queues, and each message goes to one of them', async () => {
      const [{ queues: one }, { queues: other }] = [await open(), await open()]
      const woken: string[] = []
      other.watch?.((name) => woken.push(name))
      await one.define(queueDefinition('q', { visibilityMs: 60_000 }))
      await vi.waitFor(async () => expect(await other.definitions()).toMatchObject([{ name: 'q', visibilityMs: 60_000 }]))
      await one.send(
        'q',
        Array.from({ length: 20 }, (_, index) => message(String(index))),
      )
      const got = await Promise.all([one, other].flatMap((queues) => [1, 2].map(() => queues.receive('q', { limit: 5 }))))
      expect(new Set(got.flat().map(({ id }) => id)).size).toBe(20)
      await vi.waitFor(() => expect(woken).toContain('q'))
      expect(await other.acknowledge('q', got.flat().map(({ receipt }) => receipt))).toHaveLength(20) // prettier-ignore
      expect(await one.stats('q')).toMatchObject({ visible: 0, inFlight: 0 })
      await one.define(queueDefinition('q', { visibilityMs: 50_000 }))
      await vi.waitFor(async () => expect(await other.definition('q')).toMatchObject({ visibilityMs: 50_000 }))
      expect(await other.remove('q')).toBe(true)
      await vi.waitFor(async () => expect(await one.definition('q')).toBeUndefined())
    })

    it('read each shard of a stream alone, and go on where the other one was', async () => {
      const [{ streams: one }, { streams: other }] = [await open(), await open()]
      await one.create(streamDefinition('a.b'), 2)
      await vi.waitFor(async () => expect(await other.definition('a.b')).toBeDefined())
      const woken: string[] = []
      other.watch?.((name) => woken.push(name))
      await one.append('a.b', [{ ...streamRecord('k', 'x'), hashKey: 0n }])
      await vi.waitFor(() => expect(woken).toEqual(['a.b']))
      const lost = vi.fn<() => void>()
      const claim = await one.claim?.('a.b', 'c', 0, lost)
      expect(claim).toBeDefined()
      expect(await other.claim?.('a.b', 'c', 0, lost)).toBeUndefined()
      const theirs = await other.claim?.('a.b', 'c', 1, lost)
      expect(theirs).toBeDefined()
      await one.saveCheckpoint('a.b', 'c', { shard: 0, sequence: 1, state: { sum: 1 } })
      await claim?.release()
      expect(await other.claim?.('a.b', 'c', 0, lost)).toBeDefined()
      expect(await other.checkpoints('a.b', 'c')).toEqual([{ shard: 0, sequence: 1, state: { sum: 1 } }])
      await other.saveCheckpoint('a.b', 'c', { shard: 0, sequence: 5 })
      // Who comes late takes nothing back.
      await expect(one.saveCheckpoint('a.b', 'c', { shard: 0, sequence: 2 })).rejects.toMatchObject({
        message: expect.stringContaining('another host reads the shard 0') as string,
      })
      expect(lost).not.toHaveBeenCalled()
      expect(await one.remove('a.b')).toBe(true)
      await one.create(streamDefinition('a.b'), 2)
      expect(await one.checkpoints('a.b', 'c')).toEqual([])
    })

    it('say while it is killed that it is away, and find everything when it is back', async () => {
      const said: string[] = []
      const { queues } = await open((_, text) => said.push(text))
      await queues.define(queueDefinition('q', { visibilityMs: 1_000 }))
      await queues.send('q', [message('received'), message('waiting')])
      await queues.receive('q', { limit: 1 })
      await server.kill()
      await vi.waitFor(() => expect(queues.trouble).toContain('is away'))
      for (const attempt of [queues.send('q', [message('x')]), queues.receive('q', { limit: 1 }), queues.stats('q')])
        await expect(attempt).rejects.toMatchObject({ code: 'StoreUnavailable' })
      await server.start()
      await vi.waitFor(() => expect(queues.trouble).toBeUndefined(), { timeout: 10_000 })
      expect(said).toEqual([expect.stringContaining('is away'), expect.stringContaining('is back')])
      const bodies: string[] = []
      await vi.waitFor(
        async () => {
          bodies.push(...(await queues.receive('q', { limit: 10 })).map(({ body }) => Buffer.from(body).toString()))
          expect(bodies).toEqual(expect.arrayContaining(['received', 'waiting']))
        },
        { timeout: 10_000 },
      )
    })
  })

  describe('ticks', () => {
    const opened: Awaited<ReturnType<typeof openNats>>[] = []
    const open = async () => {
      const engines = await openNats(options(), Date.now)
      opened.push(engines)
      return engines.ticks
    }
    beforeEach(clear)
    afterEach(async () => {
      for (const engines of opened.splice(0)) {
        await engines.ticks.close()
        await engines.close()
      }
    })

    it('that several hosts put in are taken once, by one of them', async () => {
      const hosts = [await open(), await open()]
      const taken: Tick[] = []
      for (const host of hosts)
        await host.take((tick) => {
          taken.push(tick)
          return Promise.resolve(true)
        })
      await Promise.all(hosts.map((host) => host.offer('a.b *', [1_000, 2_000, 3_000])))
      await hosts[0]!.offer('other', [1_000])
      await vi.waitFor(() => expect(taken).toHaveLength(4))
      await hosts[1]!.offer('a.b *', [2_000])
      await hosts[1]!.offer('last', [4_000])
      await vi.waitFor(() => expect(taken.at(-1)).toEqual({ schedule: 'last', tickMs: 4_000 }))
      const named = taken.map(({ schedule, tickMs }) => `${schedule} ${tickMs}`)
      expect(named.toSorted()).toEqual(['a.b * 1000', 'a.b * 2000', 'a.b * 3000', 'last 4000', 'other 1000'])
    })

    it('that a host has not are taken by another one', async () => {
      const [one, other] = [await open(), await open()]
      const taken: Tick[] = []
      await one.take(() => Promise.resolve(false))
      await one.offer('theirs', [1_000])
      await other.take((tick) => {
        taken.push(tick)
        return Promise.resolve(true)
      })
      await vi.waitFor(() => expect(taken).toEqual([{ schedule: 'theirs', tickMs: 1_000 }]), { timeout: 20_000 })
    })
  })

  it('names what is wrong with an address, without its password', async () => {
    const attempt = (servers: string) => openNats({ ...options(), servers }, Date.now)
    for (const servers of ['http://me:secret@127.0.0.1', 'nonsense', ''])
      await expect(attempt(servers)).rejects.toMatchObject({
        code: 'InvalidConfiguration',
        message: expect.not.stringContaining('secret') as string,
      })
  })
})

import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { NewMessage, QueueDefinition, QueueEngine, ReceivedMessage } from '../../src/store/queue.ts'

import { expectNear, type Clock } from './clock.ts'

const DAY_MS = 86_400_000

export const queueDefinition = (name: string, more: Partial<QueueDefinition> = {}): QueueDefinition => ({
  name,
  fifo: false,
  visibilityMs: 30_000,
  delayMs: 0,
  retentionMs: 4 * DAY_MS,
  deadLetter: undefined,
  attributes: {},
  ...more,
})

export const message = (body: string, more: Partial<NewMessage> = {}): NewMessage => ({
  id: randomUUID(),
  body: Buffer.from(body),
  ...more,
})

const bodies = (messages: readonly { readonly body: Uint8Array }[]): string[] =>
  messages.map(({ body }) => Buffer.from(body).toString())
const receipts = (messages: readonly ReceivedMessage[]): string[] => messages.map(({ receipt }) => receipt)

export interface Opened {
  readonly queues: QueueEngine
  readonly clock: Clock
  /** Of what the engine is a part of. */
  close?(): Promise<void>
}

/** What every engine of queues must do. `open` gives one without any queue. */
export function describeQueueEngine(name: string, open: () => Promise<Opened>): void {
  describe(`the queue engine ${name}`, () => {
    const opened: Opened[] = []
    const fresh = async (...definitions: QueueDefinition[]) => {
      const engine = await open()
      opened.push(engine)
      const { queues, clock } = engine
      for (const definition of definitions) await queues.define(definition)
      return { queues, clock }
    }
    afterEach(async () => {
      for (const engine of opened.splice(0)) {
        await engine.queues.close()
        await engine.close?.()
      }
    })

    it('gives what was sent to one receiver, oldest first, with all that was said of it', async () => {
      const { queues, clock } = await fresh(queueDefinition('q'))
      const first = message('one', { attributes: { type: 'x' } })
      await queues.send('q', [first, message('two')])
      await queues.send('q', [message('three')])
      const got = await queues.receive('q', { limit: 2 })
      expect(bodies(got)).toEqual(['one', 'two'])
      expect(got[0]).toMatchObject({ id: first.id, attributes: { type: 'x' }, receives: 1 })
      expectNear(got[0]!.sentMs, clock.nowMs, clock)
      expectNear(got[0]!.firstReceivedMs, clock.nowMs, clock)
      expect(bodies(await queues.receive('q', { limit: 10 }))).toEqual(['three'])
      expect(await queues.receive('q', { limit: 10 })).toEqual([])
    })

    it('gives a message again when its visibility timeout has passed, and not before', async () => {
      const { queues, clock } = await fresh(queueDefinition('q', { visibilityMs: 700 }))
      await queues.send('q', [message('one')])
      await queues.receive('q', { limit: 1 })
      await clock.pass(700 - clock.marginMs)
      expect(await queues.receive('q', { limit: 1 })).toEqual([])
      await clock.pass(clock.marginMs)
      const [again] = await queues.receive('q', { limit: 1, visibilityMs: 700 })
      expect(again).toMatchObject({ receives: 2 })
      expectNear(again!.firstReceivedMs, clock.nowMs - (queues.capabilities.receipts ? 700 : 0), clock)
      await clock.pass(700 - clock.marginMs)
      expect(await queues.receive('q', { limit: 1 })).toEqual([])
    })

    it('gives a message once a call, also with a visibility timeout of 0', async () => {
      const { queues } = await fresh(queueDefinition('q'))
      await queues.send('q', [message('one')])
      expect(await queues.receive('q', { limit: 10, visibilityMs: 0 })).toHaveLength(1)
    })

    it('keeps nothing of what is acknowledged', async () => {
      const { queues, clock } = await fresh(queueDefinition('q', { visibilityMs: 400 }))
      await queues.send('q', [message('one'), message('two')])
      const got = await queues.receive('q', { limit: 2 })
      expect(await queues.acknowledge('q', receipts(got).slice(0, 1))).toEqual([true])
      await clock.pass(400)
      expect(bodies(await queues.receive('q', { limit: 10 }))).toEqual(['two'])
    })

    it('does not hide a message that someone else has received since', async () => {
      const { queues, clock } = await fresh(queueDefinition('q', { visibilityMs: 400 }))
      await queues.send('q', [message('one')])
      const [late] = await queues.receive('q', { limit: 1 })
      await clock.pass(400)
      await queues.receive('q', { limit: 1 })
      expect(await queues.changeVisibility('q', [{ receipt: late!.receipt, visibilityMs: 0 }])).toEqual([false])
      expect(await queues.receive('q', { limit: 1 })).toEqual([])
    })

    it('takes no receipt that is none, and none of a message that someone else has received since, where it can', async () => {
      const { queues, clock } = await fresh(queueDefinition('q', { visibilityMs: 400 }))
      await queues.send('q', [message('one')])
      expect(await queues.acknowledge('q', ['nonsense', '99999-ab', ''])).toEqual([false, false, false])
      const [late] = await queues.receive('q', { limit: 1 })
      await clock.pass(400)
      const [current] = await queues.receive('q', { limit: 1 })
      const { receipts: exact } = queues.capabilities
      expect(await queues.acknowledge('q', [late!.receipt])).toEqual([!exact])
      expect(await queues.acknowledge('q', [current!.receipt, current!.receipt])).toEqual([true, !exact])
    })

    it('takes no receipt of another queue', async () => {
      const { queues } = await fresh(queueDefinition('q'), queueDefinition('other'))
      await queues.send('q', [message('one')])
      const got = await queues.receive('q', { limit: 1 })
      expect(await queues.acknowledge('other', receipts(got))).toEqual([false])
    })

    it('makes a message visible earlier or later on request', async () => {
      const { queues, clock } = await fresh(queueDefinition('q', { visibilityMs: 600 }))
      await queues.send('q', [message('one'), message('two')])
      const [one, two] = await queues.receive('q', { limit: 2 })
      await queues.changeVisibility('q', [{ receipt: one!.receipt, visibilityMs: 0 }, { receipt: two!.receipt, visibilityMs: 1_200 }]) // prettier-ignore
      expect(bodies(await queues.receive('q', { limit: 10 }))).toEqual(['one'])
      await clock.pass(1_200 - clock.marginMs)
      expect(bodies(await queues.receive('q', { limit: 10 }))).toEqual(['one'])
      await clock.pass(clock.marginMs)
      expect(bodies(await queues.receive('q', { limit: 10 }))).toEqual(['two'])
    })

    it('moves what was received too often to the dead-letter queue, and back on request', async () => {
      const { queues, clock } = await fresh(
        queueDefinition('dead'),
        queueDefinition('q', { visibilityMs: 300, deadLetter: { queue: 'dead', maxReceives: 2 } }),
      )
      const poison = message('poison')
      await queues.send('q', [poison, message('fine')])
      for (let time = 0; time < 2; time++) {
        const got = await queues.receive('q', { limit: 10 })
        await queues.acknowledge('q', receipts(got.filter(({ id }) => id !== poison.id)))
        await clock.pass(300)
      }
      expect(await queues.receive('q', { limit: 10 })).toEqual([])
      expect(await queues.peek('dead', 10)).toMatchObject([{ id: poison.id, receives: 0, source: 'q' }])
      expect(await queues.move('dead', undefined, 10)).toBe(1)
      expect(await queues.receive('q', { limit: 10 })).toMatchObject([{ id: poison.id, receives: 1 }])
      expect((await queues.stats('dead')).visible).toBe(0)
    })

    it('counts what is visible, received and delayed, and knows the age of the oldest', async () => {
      const { queues, clock } = await fresh(queueDefinition('q'))
      expect(await queues.stats('q')).toEqual({ visible: 0, inFlight: 0, delayed: 0, oldestSentMs: undefined })
      const sentMs = clock.nowMs
      await queues.send('q', [message('a'), message('b'), message('c')])
      await clock.pass(10)
      await queues.receive('q', { limit: 1 })
      const { oldestSentMs, ...counts } = await queues.stats('q')
      expect(counts).toEqual({ visible: 2, inFlight: 1, delayed: 0 })
      expectNear(oldestSentMs!, sentMs, clock)
      expect(await queues.purge('q')).toBe(3)
      expect(await queues.stats('q')).toEqual({ visible: 0, inFlight: 0, delayed: 0, oldestSentMs: undefined })
    })

    it('throws away what has been kept as long as the queue keeps messages', async () => {
      const { queues, clock } = await fresh(queueDefinition('q', { retentionMs: 1_200 }))
      await queues.send('q', [message('old')])
      await clock.pass(600)
      await queues.send('q', [message('young')])
      await clock.pass(600)
      expect(bodies(await queues.receive('q', { limit: 10 }))).toEqual(['young'])
      expect(await queues.stats('q')).toMatchObject({ visible: 0, inFlight: 1 })
    })

    it('looks without taking', async () => {
      const { queues } = await fresh(queueDefinition('q'))
      await queues.send('q', [message('one'), message('two')])
      expect(bodies(await queues.peek('q', 1))).toEqual(['one'])
      expect(bodies(await queues.receive('q', { limit: 10 }))).toEqual(['one', 'two'])
    })

    it('lists, changes and removes queues', async () => {
      const { queues } = await fresh(queueDefinition('b'), queueDefinition('a'), queueDefinition('c'))
      await queues.define(queueDefinition('b', { visibilityMs: 1, attributes: { x: [1] } }))
      expect((await queues.definitions({ limit: 2 })).map((queue) => queue.name)).toEqual(['a', 'b'])
      expect(await queues.definitions({ after: 'b' })).toEqual([queueDefinition('c')])
      expect(await queues.definition('b')).toMatchObject({ visibilityMs: 1, attributes: { x: [1] } })
      await queues.send('b', [message('lost')])
      expect(await queues.remove('b')).toBe(true)
      expect(await queues.remove('b')).toBe(false)
      expect(await queues.definition('b')).toBeUndefined()
      await queues.define(queueDefinition('b'))
      expect(await queues.receive('b', { limit: 10 })).toEqual([])
    })

    it('says by name which queue is not there, and does nothing else', async () => {
      const { queues } = await fresh(queueDefinition('q'))
      for (const attempt of [
        () => queues.send('nope', [message('x')]),
        () => queues.receive('nope', { limit: 1 }),
        () => queues.stats('nope'),
        () => queues.purge('nope'),
        () => queues.define(queueDefinition('q', { deadLetter: { queue: 'nope', maxReceives: 1 } })),
      ])
        await expect(attempt()).rejects.toMatchObject({
          code: 'QueueNotFound',
          message: expect.stringContaining('nope') as string,
        })
      expect(await queues.definition('q')).toEqual(queueDefinition('q'))
    })

    it('refuses a queue as its own dead-letter queue', async () => {
      const { queues } = await fresh(queueDefinition('q'))
      await expect(queues.define(queueDefinition('q', { deadLetter: { queue: 'q', maxReceives: 1 } }))).rejects.toMatchObject({
        code: 'InvalidRequest',
      })
    })

    it('gives each message to one of many receivers', async () => {
      const { queues } = await fresh(queueDefinition('q'))
      await Promise.all(Array.from({ length: 20 }, (_, i) => queues.send('q', [message(`${i}a`), message(`${i}b`)])))
      const got = await Promise.all(Array.from({ length: 50 }, () => queues.receive('q', { limit: 1 })))
      expect(new Set(bodies(got.flat())).size).toBe(40)
      expect(got.flat()).toHaveLength(40)
    })

    it('keeps the delays of queue and message, where it can', async () => {
      const { queues, clock } = await fresh()
      const delaying = queueDefinition('q', { delayMs: 1_000 })
      if (!queues.capabilities.delay) {
        const refusal = { code: 'InvalidRequest', message: expect.stringContaining(queues.name) as string }
        await expect(queues.define(delaying)).rejects.toMatchObject(refusal)
        await queues.define(queueDefinition('q'))
        await expect(queues.send('q', [message('fine'), message('late', { delayMs: 1 })])).rejects.toMatchObject(refusal)
        expect(await queues.receive('q', { limit: 10 })).toEqual([])
        return
      }
      await queues.define(delaying)
      await queues.send('q', [message('queue'), message('own', { delayMs: 2_000 }), message('none', { delayMs: 0 })])
      expect(bodies(await queues.receive('q', { limit: 10 }))).toEqual(['none'])
      expect(await queues.stats('q')).toMatchObject({ visible: 0, inFlight: 1, delayed: 2 })
      await clock.pass(1_000)
      expect(bodies(await queues.receive('q', { limit: 10 }))).toEqual(['queue'])
      await clock.pass(1_000)
      expect(bodies(await queues.receive('q', { limit: 10 }))).toEqual(['own'])
    })
  })
}

/** What engines with the capability `fifo` must do, too. */
export function describeFifoQueues(name: string, open: () => Promise<Opened>): void {
  describe(`FIFO queues of the engine ${name}`, () => {
    const opened: Opened[] = []
    const fresh = async (more: Partial<QueueDefinition> = {}) => {
      const engine = await open()
      opened.push(engine)
      const { queues, clock } = engine
      await queues.define(queueDefinition('q.fifo', { fifo: true, visibilityMs: 1_000, ...more }))
      const send = (...messages: NewMessage[]) => queues.send('q.fifo', messages)
      const receive = async (limit = 10) => await queues.receive('q.fifo', { limit })
      return { queues, clock, send, receive }
    }
    const of = (group: string, body: string) => message(body, { group })
    afterEach(async () => {
      for (const engine of opened.splice(0)) {
        await engine.queues.close()
        await engine.close?.()
      }
    })

    it('give messages of a group in their order, and none while an earlier one is with a receiver', async () => {
      const { queues, send, receive } = await fresh()
      await send(of('a', 'a1'), of('a', 'a2'), of('b', 'b1'), of('a', 'a3'))
      const first = await receive(2)
      expect(bodies(first)).toEqual(['a1', 'a2'])
      expect(bodies(await receive())).toEqual(['b1'])
      expect(await receive()).toEqual([])
      await queues.acknowledge('q.fifo', receipts(first).slice(0, 1))
      expect(await receive()).toEqual([])
      await queues.acknowledge('q.fifo', receipts(first).slice(1))
      expect(bodies(await receive())).toEqual(['a3'])
    })

    it('go on from the first message of a group that was not acknowledged', async () => {
      const { queues, clock, send, receive } = await fresh()
      await send(of('a', 'a1'), of('a', 'a2'), of('a', 'a3'))
      const [, second] = await receive(2)
      await queues.acknowledge('q.fifo', [second!.receipt])
      expect(await receive()).toEqual([])
      await clock.pass(1_000)
      expect(bodies(await receive())).toEqual(['a1', 'a3'])
    })

    it('give a group at once when what was received of it is made visible', async () => {
      const { queues, send, receive } = await fresh()
      await send(of('a', 'a1'), of('a', 'a2'))
      const [one] = await receive(1)
      await queues.changeVisibility('q.fifo', [{ receipt: one!.receipt, visibilityMs: 0 }])
      expect(bodies(await receive())).toEqual(['a1', 'a2'])
    })

    it('accept a duplicate within five minutes and throw it away', async () => {
      const { queues, clock, send, receive } = await fresh()
      const once = { group: 'a', deduplication: 'd' }
      const [first] = await send(message('one', once))
      expect(await send(message('two', once))).toEqual([first])
      expect(await send(message('three', { ...once, deduplication: 'e' }))).not.toEqual([first])
      await queues.acknowledge('q.fifo', receipts(await receive()))
      await clock.pass(5 * 60_000 - 1)
      expect(await send(message('late', once))).toEqual([first])
      await clock.pass(clock.marginMs)
      await send(message('new', once))
      expect(bodies(await receive())).toEqual(['new'])
    })

    it('let the messages behind one that is dead go on in order', async () => {
      const { queues, clock, send, receive } = await fresh()
      await queues.define(queueDefinition('dead.fifo', { fifo: true }))
      const deadLetter = { queue: 'dead.fifo', maxReceives: 1 }
      await queues.define(queueDefinition('q.fifo', { fifo: true, visibilityMs: 1_000, deadLetter }))
      await send(of('a', 'a1'), of('a', 'a2'))
      await receive(1)
      await clock.pass(1_000)
      expect(bodies(await receive())).toEqual(['a2'])
      expect(await queues.peek('dead.fifo', 10)).toMatchObject([{ group: 'a', source: 'q.fifo' }])
    })

    it('hold up a group while its first message is delayed', async () => {
      const { clock, send, receive } = await fresh({ delayMs: 1_000 })
      await send(of('a', 'a1'))
      await clock.pass(500)
      await send(of('a', 'a2'), of('b', 'b1'))
      await clock.pass(500)
      expect(bodies(await receive())).toEqual(['a1'])
    })

    it('need a group for each message, which others refuse', async () => {
      const { queues, send } = await fresh()
      await queues.define(queueDefinition('q'))
      await expect(send(message('x'))).rejects.toMatchObject({ code: 'InvalidRequest' })
      await expect(queues.send('q', [of('a', 'x')])).rejects.toMatchObject({ code: 'InvalidRequest' })
      await expect(queues.define(queueDefinition('q.fifo'))).rejects.toMatchObject({ code: 'InvalidRequest' })
    })

    it('keep the order of every group with random receivers that fail, come late, or die', async () => {
      const { queues, clock, send, receive } = await fresh()
      const seed = Date.now() % 1_000_000
      let state = seed
      const random = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below
      const groups = ['a', 'b', 'c']
      const sent: Record<string, string[]> = { a: [], b: [], c: [] }
      const done: Record<string, string[]> = { a: [], b: [], c: [] }
      const busy = new Map<string, number>()
      for (let step = 0; step < 400 || Object.values(done).flat().length < Object.values(sent).flat().length; step++) {
        if (step < 300) {
          const group = groups[random(3)]!
          const body = `${group}${sent[group]!.length}`
          sent[group]!.push(body)
          await send(of(group, body))
        }
        const got = await receive(1 + random(3))
        for (const { group } of got)
          expect(busy.get(group!) ?? 0, `seed ${seed}: two receivers of ${group}`).toBeLessThanOrEqual(clock.nowMs)
        const failing = new Set<string>()
        for (const { group, receipt, body } of got) {
          if (failing.has(group!) || random(4) === 0) {
            failing.add(group!)
            busy.set(group!, clock.nowMs + 1_000)
          } else {
            await queues.acknowledge('q.fifo', [receipt])
            done[group!]!.push(Buffer.from(body).toString())
          }
        }
        await clock.pass(random(600))
      }
      expect(done, `seed ${seed}`).toEqual(sent)
    })
  })
}

import { hash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { HASH_KEYS, type ReadOptions, type StreamDefinition, type StreamEngine } from '../../src/store/stream.ts'
import { expectNear, type Clock } from './clock.ts'

const HOUR_MS = 3_600_000

export const streamDefinition = (name: string, more: Partial<StreamDefinition> = {}): StreamDefinition => ({
  name,
  retentionMs: 24 * HOUR_MS,
  attributes: {},
  ...more,
})

export const streamRecord = (key: string, text: string) => ({ key, data: Buffer.from(text) })

const texts = (records: readonly { readonly data: Uint8Array }[]): string[] =>
  records.map(({ data }) => Buffer.from(data).toString())

export interface OpenedStreams {
  readonly streams: StreamEngine
  readonly clock: Clock
  /** Of what the engine is a part of. */
  close?(): Promise<void>
}

/** What every engine of streams must do. `open` gives one without any stream. */
export function describeStreamEngine(name: string, open: () => Promise<OpenedStreams>): void {
  describe(`the stream engine ${name}`, () => {
    const opened: OpenedStreams[] = []
    const fresh = async (shards: number, more: Partial<StreamDefinition> = {}) => {
      const engine = await open()
      opened.push(engine)
      const { streams, clock } = engine
      await streams.create(streamDefinition('s', more), shards)
      const read = async (shard = 0, options: Partial<ReadOptions> = {}) =>
        await streams.read('s', { shard, after: 0, limit: 100, maxBytes: 1e7, ...options })
      return { streams, clock, read }
    }
    afterEach(async () => {
      for (const engine of opened.splice(0)) {
        await engine.streams.close()
        await engine.close?.()
      }
    })

    it('has streams with what they are like, in the order of names', async () => {
      const { streams } = await fresh(1)
      expect(await streams.create(streamDefinition('s'), 1)).toBe(false)
      expect(await streams.create(streamDefinition('a', { attributes: { tags: { x: 'y' } } }), 2)).toBe(true)
      expect((await streams.definitions()).map((one) => one.name)).toEqual(['a', 's'])
      expect((await streams.definitions({ after: 'a', limit: 1 })).map((one) => one.name)).toEqual(['s'])
      expect(await streams.definition('a')).toEqual(streamDefinition('a', { attributes: { tags: { x: 'y' } } }))
      await streams.change(streamDefinition('a', { retentionMs: 48 * HOUR_MS }))
      expect((await streams.definition('a'))?.retentionMs).toBe(48 * HOUR_MS)
      expect(await streams.remove('a')).toBe(true)
      expect(await streams.remove('a')).toBe(false)
      expect(await streams.definition('a')).toBeUndefined()
    })

    it('rejects what is for a stream or a shard that there is not', async () => {
      const { streams, read } = await fresh(1)
      const missing = { code: 'StreamNotFound' }
      await expect(streams.append('no', [])).rejects.toMatchObject(missing)
      await expect(streams.shards('no')).rejects.toMatchObject(missing)
      await expect(streams.change(streamDefinition('no'))).rejects.toMatchObject(missing)
      await expect(read(1)).rejects.toMatchObject(missing)
      await expect(streams.locate('s', 1, 'latest')).rejects.toMatchObject(missing)
      await expect(streams.saveCheckpoint('no', 'c', { shard: 0, sequence: 1 })).rejects.toMatchObject(missing)
    })

    it('shares the hash keys among shards evenly', async () => {
      const { streams } = await fresh(3)
      const shards = await streams.shards('s')
      expect(shards.map(({ number }) => number)).toEqual([0, 1, 2])
      expect(shards[0]?.startHash).toBe(0n)
      expect(shards[1]?.startHash).toBe((shards[0]?.endHash ?? 0n) + 1n)
      expect(shards[2]?.endHash).toBe(HASH_KEYS - 1n)
    })

    it('puts records of one key in one shard, by the MD5 of the key or by the hash key that is given', async () => {
      const { streams, read } = await fresh(4)
      const shards = await streams.shards('s')
      for (const key of ['a', 'b', 'c', 'ü', '']) {
        const number = BigInt(`0x${hash('md5', key)}`)
        const wanted = shards.find(({ startHash, endHash }) => startHash <= number && number <= endHash)?.number
        const appended = await streams.append('s', [streamRecord(key, '1'), streamRecord(key, '2')])
        expect(appended.map(({ shard }) => shard)).toEqual([wanted, wanted])
      }
      const [placed] = await streams.append('s', [{ ...streamRecord('a', 'placed'), hashKey: shards[2]?.startHash ?? 0n }])
      expect(placed?.shard).toBe(2)
      expect(texts((await read(2)).records)).toContain('placed')
      await expect(streams.append('s', [{ ...streamRecord('a', 'x'), hashKey: HASH_KEYS }])).rejects.toMatchObject({
        code: 'InvalidRequest',
      })
    })

    it('keeps the order, and gives records from any position as often as somebody likes', async () => {
      const { streams, clock, read } = await fresh(1)
      const start = clock.nowMs
      const first = await streams.append('s', [streamRecord('k', 'a'), streamRecord('k', 'b')])
      await clock.pass(600)
      const later = clock.nowMs
      await streams.append('s', [streamRecord('ö ', 'c')])
      const all = await read()
      expect(all).toMatchObject({
        records: [{ key: 'k', sequence: first[0]?.sequence }, { key: 'k' }, { key: 'ö ' }],
        behindMs: 0,
        ended: false,
      })
      for (const [index, ms] of [start, start, later].entries()) expectNear(all.records[index]!.arrivedMs, ms, clock)
      expect(texts((await read(0, { after: first[0]?.sequence ?? 0 })).records)).toEqual(['b', 'c'])
      await clock.pass(500)
      const part = await read(0, { limit: 2 })
      expect(texts(part.records)).toEqual(['a', 'b'])
      expectNear(part.behindMs, clock.nowMs - later, clock)
      expect(texts((await read(0, { after: first[1]?.sequence ?? 0 })).records)).toEqual(['c'])
      expect(texts((await read()).records)).toEqual(['a', 'b', 'c'])
    })

    it('gives no more bytes than wanted, but always a record', async () => {
      const { streams, read } = await fresh(1)
      await streams.append(
        's',
        ['x'.repeat(50), 'y'.repeat(50), 'z'].map((text) => streamRecord('k', text)),
      )
      expect((await read(0, { maxBytes: 100 })).records).toHaveLength(2)
      expect((await read(0, { maxBytes: 10 })).records).toHaveLength(1)
    })

    it('knows where the newest record is, and where a time begins', async () => {
      const { streams, clock } = await fresh(1)
      const at = async (start: Parameters<StreamEngine['locate']>[2]) => {
        const after = await streams.locate('s', 0, start)
        return async () => texts((await streams.read('s', { shard: 0, after, limit: 10, maxBytes: 1e6 })).records)
      }
      const start = clock.nowMs
      const early = await at('latest')
      await streams.append('s', [streamRecord('k', 'a')])
      await clock.pass(100)
      const second = clock.nowMs
      await streams.append('s', [streamRecord('k', 'b')])
      await clock.pass(100)
      const late = await at('latest')
      const future = await at({ timestampMs: start + 10_000 })
      await streams.append('s', [streamRecord('k', 'c')])
      expect(await early()).toEqual(['a', 'b', 'c'])
      expect(await late()).toEqual(['c'])
      expect(await future()).toEqual(['c'])
      expect(await (await at('first'))()).toEqual(['a', 'b', 'c'])
      expect(await (await at({ timestampMs: second }))()).toEqual(['b', 'c'])
      expect(await (await at({ timestampMs: start + 50 }))()).toEqual(['b', 'c'])
    })

    it('has arrivals in the order of the records, also when the clock is set back', async () => {
      const { streams, clock, read } = await fresh(1)
      const start = clock.nowMs
      await streams.append('s', [streamRecord('k', 'a')])
      clock.setBack?.(HOUR_MS)
      await streams.append('s', [streamRecord('k', 'b')])
      clock.setBack?.(-2 * HOUR_MS)
      await streams.append('s', [streamRecord('k', 'c')])
      const arrivals = (await read()).records.map(({ arrivedMs }) => arrivedMs)
      expect(arrivals.every((ms, index) => ms >= (arrivals[index - 1] ?? 0))).toBe(true)
      expectNear(arrivals[1]!, start, clock)
    })

    it('throws records away when they are too old', async () => {
      const { streams, clock, read } = await fresh(1, { retentionMs: 1_000 })
      await streams.append('s', [streamRecord('k', 'old')])
      await clock.pass(1_500)
      expect((await read()).records).toEqual([])
      await streams.append('s', [streamRecord('k', 'new')])
      await streams.change(streamDefinition('s', { retentionMs: 100 * HOUR_MS }))
      expect(texts((await read()).records)).toEqual(['new'])
    })

    it('splits and merges shards, whose records stay readable in their order', async () => {
      const { streams, clock, read } = await fresh(1)
      if (!streams.capabilities.resharding) {
        const refusal = { code: 'InvalidRequest', message: expect.stringContaining(streams.name) as string }
        await expect(streams.split('s', 0, 5n)).rejects.toMatchObject(refusal)
        await expect(streams.merge('s', 0, 1)).rejects.toMatchObject(refusal)
        return
      }
      await streams.append('s', [streamRecord('a', 'before')])
      await streams.split('s', 0, HASH_KEYS / 2n)
      const [closed, low, high] = await streams.shards('s')
      expect(closed?.lastSequence).toBeGreaterThan(0)
      expect(low).toMatchObject({ number: 1, startHash: 0n, endHash: HASH_KEYS / 2n - 1n, parents: [0], lastSequence: undefined })
      expect(high).toMatchObject({ number: 2, startHash: HASH_KEYS / 2n, endHash: HASH_KEYS - 1n, parents: [0] })
      const appended = await streams.append(
        's',
        ['a', 'b', 'c', 'd', 'e'].map((key) => streamRecord(key, key)),
      )
      expect(new Set(appended.map(({ shard }) => shard))).toEqual(new Set([1, 2]))
      expect(appended.every(({ sequence }) => sequence >= (low?.firstSequence ?? 0))).toBe(true)
      expect(await read(0)).toMatchObject({ records: [{ key: 'a' }], ended: true })
      expect((await read(1)).ended).toBe(false)
      await streams.merge('s', 2, 1)
      expect((await streams.shards('s')).at(-1)).toMatchObject({
        number: 3,
        startHash: 0n,
        endHash: HASH_KEYS - 1n,
        parents: [2, 1],
      })
      // What was in a closed shard is too old one day.
      await clock.pass(24 * HOUR_MS)
      expect((await streams.shards('s')).map(({ number }) => number)).toEqual([3])
    })

    it('refuses to split and merge what cannot be', async () => {
      const { streams } = await fresh(4)
      if (!streams.capabilities.resharding) return
      const invalid = { code: 'InvalidRequest' }
      const [, second] = await streams.shards('s')
      await expect(streams.split('s', 1, second?.startHash ?? 0n)).rejects.toMatchObject(invalid)
      await expect(streams.split('s', 0, HASH_KEYS - 1n)).rejects.toMatchObject(invalid)
      await expect(streams.merge('s', 0, 2)).rejects.toMatchObject(invalid)
      await expect(streams.merge('s', 0, 0)).rejects.toMatchObject(invalid)
      await streams.merge('s', 0, 1)
      await expect(streams.split('s', 0, 5n)).rejects.toMatchObject(invalid)
    })

    it('keeps how far each consumer has come', async () => {
      const { streams } = await fresh(2)
      expect(await streams.checkpoints('s', 'c')).toEqual([])
      await streams.saveCheckpoint('s', 'c', { shard: 1, sequence: 7, state: { sum: 3 } })
      await streams.saveCheckpoint('s', 'c', { shard: 0, sequence: 2 })
      await streams.saveCheckpoint('s', 'c', { shard: 0, sequence: 5 })
      await streams.saveCheckpoint('s', 'd', { shard: 0, sequence: 1 })
      expect(await streams.checkpoints('s', 'c')).toEqual([
        { shard: 0, sequence: 5 },
        { shard: 1, sequence: 7, state: { sum: 3 } },
      ])
      await streams.forget('s', 'c')
      expect(await streams.checkpoints('s', 'c')).toEqual([])
      expect(await streams.checkpoints('s', 'd')).toHaveLength(1)
    })

    it('appends all records of a request or none', async () => {
      const { streams, read } = await fresh(1)
      const records = [streamRecord('a', '1'), { ...streamRecord('a', '2'), hashKey: -1n }]
      await expect(streams.append('s', records)).rejects.toMatchObject({ code: 'InvalidRequest' })
      expect((await read()).records).toEqual([])
    })
  })
}

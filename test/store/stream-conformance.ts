import { hash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { HASH_KEYS, type ReadOptions, type StreamDefinition, type StreamEngine } from '../../src/store/stream.ts'

const HOUR_MS = 3_600_000
const NOW = Date.UTC(2026, 0, 1)

export const streamDefinition = (name: string, more: Partial<StreamDefinition> = {}): StreamDefinition => ({
  name,
  retentionMs: 24 * HOUR_MS,
  attributes: {},
  ...more,
})

export const streamRecord = (key: string, text: string) => ({ key, data: Buffer.from(text) })

const texts = (records: readonly { readonly data: Uint8Array }[]): string[] =>
  records.map(({ data }) => Buffer.from(data).toString())

export interface StreamClock {
  nowMs: number
}

/** What every engine of streams must do. `open` gets the clock that the engine is to go by. */
export function describeStreamEngine(name: string, open: (clock: StreamClock) => Promise<StreamEngine>): void {
  describe(`the stream engine ${name}`, () => {
    const engines: StreamEngine[] = []
    const fresh = async (shards: number, more: Partial<StreamDefinition> = {}) => {
      const clock: StreamClock = { nowMs: NOW }
      const streams = await open(clock)
      engines.push(streams)
      await streams.create(streamDefinition('s', more), shards)
      const read = async (shard = 0, options: Partial<ReadOptions> = {}) =>
        await streams.read('s', { shard, after: 0, limit: 100, maxBytes: 1e7, ...options })
      return { streams, clock, read }
    }
    afterEach(async () => {
      await Promise.all(engines.splice(0).map((engine) => engine.close()))
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
      const first = await streams.append('s', [streamRecord('k', 'a'), streamRecord('k', 'b')])
      clock.nowMs += 1000
      await streams.append('s', [streamRecord('other', 'c')])
      expect(await read()).toMatchObject({
        records: [
          { key: 'k', arrivedMs: NOW, sequence: first[0]?.sequence },
          { key: 'k', arrivedMs: NOW },
          { key: 'other', arrivedMs: NOW + 1000 },
        ],
        behindMs: 0,
        ended: false,
      })
      expect(texts((await read(0, { after: first[0]?.sequence ?? 0 })).records)).toEqual(['b', 'c'])
      clock.nowMs += 500
      const part = await read(0, { limit: 2 })
      expect([texts(part.records), part.behindMs]).toEqual([['a', 'b'], 500])
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
      const early = await at('latest')
      await streams.append('s', [streamRecord('k', 'a')])
      clock.nowMs += 1000
      await streams.append('s', [streamRecord('k', 'b')])
      clock.nowMs += 1000
      const late = await at('latest')
      const future = await at({ timestampMs: NOW + 10_000 })
      await streams.append('s', [streamRecord('k', 'c')])
      expect(await early()).toEqual(['a', 'b', 'c'])
      expect(await late()).toEqual(['c'])
      expect(await future()).toEqual(['c'])
      expect(await (await at('first'))()).toEqual(['a', 'b', 'c'])
      expect(await (await at({ timestampMs: NOW + 1000 }))()).toEqual(['b', 'c'])
      expect(await (await at({ timestampMs: NOW + 1 }))()).toEqual(['b', 'c'])
    })

    it('has arrivals in the order of the records, also when the clock is set back', async () => {
      const { streams, clock, read } = await fresh(1)
      await streams.append('s', [streamRecord('k', 'a')])
      clock.nowMs -= HOUR_MS
      await streams.append('s', [streamRecord('k', 'b')])
      clock.nowMs += 2 * HOUR_MS
      await streams.append('s', [streamRecord('k', 'c')])
      expect((await read()).records.map(({ arrivedMs }) => arrivedMs)).toEqual([NOW, NOW, NOW + HOUR_MS])
    })

    it('throws records away when they are too old', async () => {
      const { streams, clock, read } = await fresh(1, { retentionMs: HOUR_MS })
      await streams.append('s', [streamRecord('k', 'old')])
      clock.nowMs += HOUR_MS
      expect((await read()).records).toEqual([])
      await streams.append('s', [streamRecord('k', 'new')])
      await streams.change(streamDefinition('s', { retentionMs: 100 * HOUR_MS }))
      expect(texts((await read()).records)).toEqual(['new'])
    })

    it('splits and merges shards, whose records stay readable in their order', async () => {
      const { streams, clock, read } = await fresh(1)
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
      clock.nowMs += 24 * HOUR_MS
      expect((await streams.shards('s')).map(({ number }) => number)).toEqual([3])
    })

    it('refuses to split and merge what cannot be', async () => {
      const { streams } = await fresh(4)
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

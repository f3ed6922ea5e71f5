import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openSqliteStreams } from '../../../src/store/sqlite/open-streams.ts'
import { describeStreamEngine, streamDefinition, streamRecord } from '../stream-conformance.ts'
import { setClock } from '../clock.ts'

const folders: string[] = []
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ampoule-streams-'))
  folders.push(path)
  return path
}
afterAll(async () => {
  await Promise.all(folders.map((path) => rm(path, { recursive: true })))
})

describeStreamEngine('SQLite', async () => {
  const clock = setClock()
  return { clock, streams: await openSqliteStreams(await folder(), () => clock.nowMs) }
})

describe('the streams of a folder', () => {
  it('are there again with records and positions after they were closed', async () => {
    const path = await folder()
    const first = await openSqliteStreams(path, Date.now)
    await first.create(streamDefinition('s'), 1)
    const [appended] = await first.append('s', [streamRecord('k', 'kept')])
    await first.saveCheckpoint('s', 'c', { shard: 0, sequence: 1 })
    await first.close()
    const second = await openSqliteStreams(path, Date.now)
    expect((await second.read('s', { shard: 0, after: 0, limit: 1, maxBytes: 100 })).records).toHaveLength(1)
    expect(await second.checkpoints('s', 'c')).toEqual([{ shard: 0, sequence: 1 }])
    const [next] = await second.append('s', [streamRecord('k', 'next')])
    expect(next?.sequence).toBeGreaterThan(appended?.sequence ?? 0)
    await second.close()
    await expect(second.shards('s')).rejects.toMatchObject({ code: 'ShuttingDown' })
  })
})

import { randomInt } from 'node:crypto'
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { openSqliteQueues } from '../../../src/store/sqlite/open-queues.ts'
import { openSqliteStreams } from '../../../src/store/sqlite/open-streams.ts'
import type { QueueEngine } from '../../../src/store/queue.ts'
import { message, queueDefinition } from '../queue-conformance.ts'
import { streamDefinition, streamRecord } from '../stream-conformance.ts'

const folders: string[] = []
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ampoule-damage-'))
  folders.push(path)
  return path
}
afterAll(async () => {
  await Promise.all(folders.map((path) => rm(path, { recursive: true })))
})

const DATABASE = 'queues.sqlite'
const WAL = 'queues.sqlite-wal'

const bodies = async (queues: QueueEngine): Promise<Set<string>> => {
  const found = new Set<string>()
  for (;;) {
    const received = await queues.receive('q', { limit: 100 })
    if (received.length === 0) return found
    for (const { body } of received) found.add(Buffer.from(body).toString())
  }
}

/** A queue that messages are sent to without end, and what was acknowledged of them. */
async function busy(path: string) {
  const queues = await openSqliteQueues(path, Date.now)
  await queues.define(queueDefinition('q'))
  const acknowledged: string[] = []
  const stopped = new AbortController()
  const run = async () => {
    for (let number = 0; !stopped.signal.aborted; number++) {
      const body = `${number}-${'x'.repeat(500)}`
      await queues.send('q', [message(body)])
      acknowledged.push(body)
      // Some hundred come before the log is taken over into the database the first time: copies of both files belong together till then.
      await pause(3)
    }
  }
  const running = run()
  return {
    acknowledged,
    stop: async () => {
      stopped.abort()
      await running
      await queues.close()
    },
  }
}

/** Database and write-ahead log as they are. */
async function copy(from: string, to: string): Promise<void> {
  await copyFile(join(from, DATABASE), join(to, DATABASE))
  await copyFile(join(from, WAL), join(to, WAL))
}

describe('queues on a damaged disk', () => {
  it('are whole in a copy of database and log that was taken while they were written', async () => {
    const path = await folder()
    const { acknowledged, stop } = await busy(path)
    await expect.poll(() => acknowledged.length).toBeGreaterThan(20)
    const before = [...acknowledged]
    const copied = await folder()
    await copy(path, copied)
    await stop()
    const queues = await openSqliteQueues(copied, Date.now)
    const found = await bodies(queues)
    expect(before.filter((body) => !found.has(body))).toEqual([])
    await queues.close()
  })

  it('have all that was acknowledged when the log was cut behind it', async () => {
    const path = await folder()
    const { acknowledged, stop } = await busy(path)
    await expect.poll(() => acknowledged.length).toBeGreaterThan(20)
    const first = await folder()
    const before = [...acknowledged]
    await copy(path, first)
    const { length } = await readFile(join(first, WAL))
    await expect.poll(() => acknowledged.length).toBeGreaterThan(before.length + 5)
    const later = await folder()
    await copy(path, later)
    await stop()
    // Somewhere in what came after the first copy.
    const { length: whole } = await readFile(join(later, WAL))
    await truncate(join(later, WAL), randomInt(length, whole))
    const queues = await openSqliteQueues(later, Date.now)
    const found = await bodies(queues)
    expect(before.filter((body) => !found.has(body))).toEqual([])
    await queues.close()
  })

  it('are not opened when their structure is damaged, and the error says which file it is', async () => {
    const path = await folder()
    const { acknowledged, stop } = await busy(path)
    await expect.poll(() => acknowledged.length).toBeGreaterThan(20)
    await stop()
    const database = await readFile(join(path, DATABASE))
    // Pages of trees begin with their kind and the number of their cells.
    for (let page = 1; page < database.length / 4096; page++) database.fill(0xff, page * 4096, page * 4096 + 64)
    await writeFile(join(path, DATABASE), database)
    await writeFile(join(path, WAL), '')
    await expect(openSqliteQueues(path, Date.now)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('queues.sqlite is damaged') as string,
    })
    await writeFile(join(path, DATABASE), 'this is no database at all'.repeat(1000))
    await expect(openSqliteQueues(path, Date.now)).rejects.toMatchObject({
      message: expect.stringContaining('queues.sqlite is damaged') as string,
    })
  })

  it.each(['queues', 'streams'] as const)('never give out content of %s that is not as it was written', async (kind) => {
    const path = await folder()
    const content = 'as it was written, '.repeat(20)
    if (kind === 'queues') {
      const queues = await openSqliteQueues(path, Date.now)
      await queues.define(queueDefinition('q'))
      await queues.send('q', [message(content)])
      await queues.close()
    } else {
      const streams = await openSqliteStreams(path, Date.now)
      await streams.create(streamDefinition('s'), 1)
      await streams.append('s', [streamRecord('key', content)])
      await streams.close()
    }
    const file = join(path, `${kind}.sqlite`)
    const database = await readFile(file)
    const at = database.indexOf(content)
    expect(at).toBeGreaterThan(0)
    database.write('X', at + 5)
    await writeFile(file, database)
    if (kind === 'queues') {
      const queues = await openSqliteQueues(path, Date.now)
      await expect(queues.receive('q', { limit: 1 })).rejects.toMatchObject({
        cause: { message: expect.stringContaining('message 1 of a queue is damaged on disk') as string },
      })
      await queues.close()
      return
    }
    const streams = await openSqliteStreams(path, Date.now)
    await expect(streams.read('s', { shard: 0, after: 0, limit: 1, maxBytes: 1e6 })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('record 1 of the stream s is damaged on disk') as string },
    })
    await streams.close()
  })
})

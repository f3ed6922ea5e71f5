import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openSqliteQueues } from '../../../src/store/sqlite/open-queues.ts'
import { describeFifoQueues, describeQueueEngine, message, queueDefinition } from '../queue-conformance.ts'
import { setClock } from '../clock.ts'

const folders: string[] = []
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ampoule-queues-'))
  folders.push(path)
  return path
}
afterAll(async () => {
  await Promise.all(folders.map((path) => rm(path, { recursive: true })))
})

async function open() {
  const clock = setClock()
  return { clock, queues: await openSqliteQueues(await folder(), () => clock.nowMs) }
}

describeQueueEngine('SQLite', open)
describeFifoQueues('SQLite', open)

describe('the queues of a folder', () => {
  it('are there again with their messages after they were closed', async () => {
    const path = await folder()
    const first = await openSqliteQueues(path, Date.now)
    await first.define(queueDefinition('q'))
    await first.send('q', [message('kept')])
    await first.close()
    const second = await openSqliteQueues(path, Date.now)
    expect(await second.receive('q', { limit: 1 })).toHaveLength(1)
    await second.close()
    await expect(second.stats('q')).rejects.toMatchObject({ code: 'ShuttingDown' })
  })
})

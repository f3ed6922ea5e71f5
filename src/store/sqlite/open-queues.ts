import { mkdir } from 'node:fs/promises'
import type { QueueDefinition, QueueEngine, QueueStats, ReceivedMessage, SentMessage } from '../queue.ts'
import type { QueueRequest, QueueThreadData } from './queue-worker.ts'
import type { PurgeStep } from './queues.ts'
import { refused } from './refusal.ts'
import { startThread } from './thread.ts'

type WithoutTime<T> = T extends unknown ? Omit<T, 'nowMs'> : never

/** Opens the embedded queues in `folder` (made when it is not there), which the host must own, on a thread of their own. `now`: milliseconds since the epoch. */
export async function openSqliteQueues(folder: string, now: () => number): Promise<QueueEngine> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const thread = await startThread<QueueRequest>(
    new URL('./queue-worker.ts', import.meta.url),
    { folder } satisfies QueueThreadData,
    refused,
  )
  const ask = <T>(request: WithoutTime<QueueRequest>): Promise<T> => thread.ask({ ...request, nowMs: now() }) as Promise<T>
  return {
    name: 'SQLite',
    capabilities: { delay: true, fifo: true, receipts: true },
    get trouble() {
      return thread.trouble
    },
    define: (definition) => ask<void>({ kind: 'define', definition }),
    definition: (name) => ask<QueueDefinition | undefined>({ kind: 'definition', name }),
    definitions: ({ after = '', limit = -1 } = {}) => ask<QueueDefinition[]>({ kind: 'definitions', after, limit }),
    remove: (name) => ask<boolean>({ kind: 'remove', name }),
    send: (name, messages) => ask<SentMessage[]>({ kind: 'send', name, messages }),
    receive: (name, { limit, visibilityMs }) => ask<ReceivedMessage[]>({ kind: 'receive', name, limit, visibilityMs }),
    acknowledge: (name, receipts) => ask<boolean[]>({ kind: 'acknowledge', name, receipts }),
    changeVisibility: (name, changes) => ask<boolean[]>({ kind: 'changeVisibility', name, changes }),
    peek: (name, limit) => ask<ReceivedMessage[]>({ kind: 'peek', name, limit }),
    async purge(name) {
      // In steps, between which others get their turn. What is sent meanwhile stays.
      let purged = 0
      for (let until: number | undefined; ;) {
        const step = await ask<PurgeStep>({ kind: 'purge', name, until })
        purged += step.purged
        if (step.purged === 0) return purged
        ;({ until } = step)
      }
    },
    stats: (name) => ask<QueueStats>({ kind: 'stats', name }),
    move: (name, to, limit) => ask<number>({ kind: 'move', name, to, limit }),
    close: () => thread.close(),
  }
}

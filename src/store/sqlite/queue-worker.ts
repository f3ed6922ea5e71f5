import { join } from 'node:path'
import { workerData } from 'node:worker_threads'
import type { NewMessage, QueueDefinition, VisibilityChange } from '../queue.ts'
import { openDatabase } from './database.ts'
import { serveDatabase } from './group.ts'
import { QUEUE_MIGRATIONS } from './queue-migrations.ts'
import { SqliteQueues } from './queues.ts'

export type QueueRequest = { readonly nowMs: number } & (
  | { readonly kind: 'define'; readonly definition: QueueDefinition }
  | { readonly kind: 'definition' | 'remove' | 'stats'; readonly name: string }
  | { readonly kind: 'definitions'; readonly after: string; readonly limit: number }
  | { readonly kind: 'send'; readonly name: string; readonly messages: readonly NewMessage[] }
  | { readonly kind: 'receive'; readonly name: string; readonly limit: number; readonly visibilityMs: number | undefined }
  | { readonly kind: 'acknowledge'; readonly name: string; readonly receipts: readonly string[] }
  | { readonly kind: 'changeVisibility'; readonly name: string; readonly changes: readonly VisibilityChange[] }
  | { readonly kind: 'purge'; readonly name: string; readonly until: number | undefined }
  | { readonly kind: 'peek'; readonly name: string; readonly limit: number }
  | { readonly kind: 'move'; readonly name: string; readonly to: string | undefined; readonly limit: number }
)

export interface QueueThreadData {
  readonly folder: string
}

// The thread of the queues. They have a database of their own, so that a busy queue holds up no change of a function.
serveDatabase<QueueRequest>(() => {
  const { folder } = workerData as QueueThreadData
  const database = openDatabase(join(folder, 'queues.sqlite'), QUEUE_MIGRATIONS)
  const queues = new SqliteQueues(database)
  return {
    database,
    writes: ({ kind }) => kind !== 'definition' && kind !== 'definitions' && kind !== 'peek',
    run(request) {
      const { nowMs } = request
      switch (request.kind) {
        case 'define':
          return queues.define(request.definition)
        case 'definition':
          return queues.definition(request.name)
        case 'definitions':
          return queues.definitions(request.after, request.limit)
        case 'remove':
          return queues.remove(request.name)
        case 'send':
          return queues.send(request.name, request.messages, nowMs)
        case 'receive':
          return queues.receive(request.name, request.limit, request.visibilityMs, nowMs)
        case 'acknowledge':
          return queues.acknowledge(request.name, request.receipts, nowMs)
        case 'changeVisibility':
          return queues.changeVisibility(request.name, request.changes, nowMs)
        case 'peek':
          return queues.peek(request.name, request.limit, nowMs)
        case 'purge':
          return queues.purge(request.name, request.until, nowMs)
        case 'stats':
          return queues.stats(request.name, nowMs)
        case 'move':
          return queues.move(request.name, request.to, request.limit, nowMs)
        default:
          return request satisfies never
      }
    },
    undone: () => queues.forget(),
    close: () => database.close(),
  }
})

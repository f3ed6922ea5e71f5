import { mkdir } from 'node:fs/promises'
import type { Appended, Checkpoint, ReadResult, Shard, StreamDefinition, StreamEngine } from '../stream.ts'
import { refused } from './refusal.ts'
import type { StreamRequest, StreamThreadData } from './stream-worker.ts'
import { startThread } from './thread.ts'

type WithoutTime<T> = T extends unknown ? Omit<T, 'nowMs'> : never

/** Opens the embedded streams in `folder` (made when it is not there), which the host must own, on a thread of their own. `now`: milliseconds since the epoch. */
export async function openSqliteStreams(folder: string, now: () => number): Promise<StreamEngine> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const thread = await startThread<StreamRequest>(
    new URL('./stream-worker.ts', import.meta.url),
    { folder } satisfies StreamThreadData,
    refused,
  )
  const ask = <T>(request: WithoutTime<StreamRequest>): Promise<T> => thread.ask({ ...request, nowMs: now() }) as Promise<T>
  return {
    name: 'SQLite',
    capabilities: { resharding: true },
    get trouble() {
      return thread.trouble
    },
    create: (definition, shards) => ask<boolean>({ kind: 'create', definition, shards }),
    change: (definition) => ask<void>({ kind: 'change', definition }),
    definition: (name) => ask<StreamDefinition | undefined>({ kind: 'definition', name }),
    definitions: ({ after = '', limit = -1 } = {}) => ask<StreamDefinition[]>({ kind: 'definitions', after, limit }),
    remove: (name) => ask<boolean>({ kind: 'remove', name }),
    shards: (name) => ask<Shard[]>({ kind: 'shards', name }),
    append: (name, records) => ask<Appended[]>({ kind: 'append', name, records }),
    read: (name, options) => ask<ReadResult>({ kind: 'read', name, options }),
    locate: (name, shard, start) => ask<number>({ kind: 'locate', name, shard, start }),
    split: (name, shard, hashKey) => ask<void>({ kind: 'split', name, shard, hashKey }),
    merge: (name, shard, other) => ask<void>({ kind: 'merge', name, shard, other }),
    saveCheckpoint: (name, consumer, checkpoint) => ask<void>({ kind: 'saveCheckpoint', name, consumer, checkpoint }),
    checkpoints: (name, consumer) => ask<Checkpoint[]>({ kind: 'checkpoints', name, consumer }),
    forget: (name, consumer) => ask<void>({ kind: 'forget', name, consumer }),
    close: () => thread.close(),
  }
}

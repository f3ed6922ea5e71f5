import { join } from 'node:path'
import { workerData } from 'node:worker_threads'
import type { Checkpoint, NewStreamRecord, ReadOptions, StreamDefinition, StreamStart } from '../stream.ts'
import { openDatabase } from './database.ts'
import { serveDatabase } from './group.ts'
import { STREAM_MIGRATIONS } from './stream-migrations.ts'
import { SqliteStreams } from './streams.ts'

export type StreamRequest = { readonly nowMs: number } & (
  | { readonly kind: 'create'; readonly definition: StreamDefinition; readonly shards: number }
  | { readonly kind: 'change'; readonly definition: StreamDefinition }
  | { readonly kind: 'definition' | 'remove' | 'shards'; readonly name: string }
  | { readonly kind: 'definitions'; readonly after: string; readonly limit: number }
  | { readonly kind: 'append'; readonly name: string; readonly records: readonly NewStreamRecord[] }
  | { readonly kind: 'read'; readonly name: string; readonly options: ReadOptions }
  | { readonly kind: 'locate'; readonly name: string; readonly shard: number; readonly start: StreamStart }
  | { readonly kind: 'split'; readonly name: string; readonly shard: number; readonly hashKey: bigint }
  | { readonly kind: 'merge'; readonly name: string; readonly shard: number; readonly other: number }
  | { readonly kind: 'saveCheckpoint'; readonly name: string; readonly consumer: string; readonly checkpoint: Checkpoint }
  | { readonly kind: 'checkpoints' | 'forget'; readonly name: string; readonly consumer: string }
)

export interface StreamThreadData {
  readonly folder: string
}

const READS: ReadonlySet<StreamRequest['kind']> = new Set(['definition', 'definitions', 'read', 'locate', 'checkpoints'])

// The thread of the streams, with a database of their own.
serveDatabase<StreamRequest>(() => {
  const { folder } = workerData as StreamThreadData
  const database = openDatabase(join(folder, 'streams.sqlite'), STREAM_MIGRATIONS)
  const streams = new SqliteStreams(database)
  return {
    database,
    writes: ({ kind }) => !READS.has(kind),
    run(request) {
      const { nowMs } = request
      switch (request.kind) {
        case 'create':
          return streams.create(request.definition, request.shards, nowMs)
        case 'change':
          return streams.change(request.definition)
        case 'definition':
          return streams.definition(request.name)
        case 'definitions':
          return streams.definitions(request.after, request.limit)
        case 'remove':
          return streams.remove(request.name)
        case 'shards':
          return streams.shards(request.name, nowMs)
        case 'append':
          return streams.append(request.name, request.records, nowMs)
        case 'read':
          return streams.read(request.name, request.options, nowMs)
        case 'locate':
          return streams.locate(request.name, request.shard, request.start)
        case 'split':
          return streams.split(request.name, request.shard, request.hashKey, nowMs)
        case 'merge':
          return streams.merge(request.name, request.shard, request.other, nowMs)
        case 'saveCheckpoint':
          return streams.saveCheckpoint(request.name, request.consumer, request.checkpoint)
        case 'checkpoints':
          return streams.checkpoints(request.name, request.consumer)
        case 'forget':
          return streams.forget(request.name, request.consumer)
        default:
          return request satisfies never
      }
    },
    undone: () => streams.forgetAll(),
    close: () => database.close(),
  }
})

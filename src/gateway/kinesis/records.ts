import type { Control } from '../../control/control.ts'
import { formatShardId } from '../../functions/stream-arn.ts'
import { HASH_KEYS, type NewStreamRecord, type Shard } from '../../store/stream.ts'
import { invalidArgument, KinesisError } from './error.ts'
import { KinesisInput } from './input.ts'
import { formatIterator, readIterator } from './iterator.ts'
import { find, HASH_KEY } from './streams.ts'

/** Kinesis, "Quotas and limits"; a record is its data and its key. */
export const MAX_RECORD_BYTES = 1_048_576
const MAX_RECORDS = 500
const MAX_REQUEST_BYTES = 5 * 1_048_576
const MAX_READ = 10_000
const MAX_READ_BYTES = 10 * 1_048_576

export async function putRecord(input: KinesisInput, control: Control): Promise<object> {
  const name = input.stream(control.account)
  const record = readRecord(input)
  // Sequences grow within the stream anyhow.
  input.sequence('SequenceNumberForOrdering')
  input.end()
  const [appended] = await control.streams.append(name, [record])
  if (appended === undefined) throw new Error('a record was not appended')
  return { ShardId: formatShardId(appended.shard), SequenceNumber: String(appended.sequence), EncryptionType: 'NONE' }
}

export async function putRecords(input: KinesisInput, control: Control): Promise<object> {
  const name = input.stream(control.account)
  const entries = input.objects('Records')
  input.end()
  if (entries.length === 0 || entries.length > MAX_RECORDS)
    throw new KinesisError('ValidationException', `There are ${entries.length} records, there must be 1 to ${MAX_RECORDS}.`)
  const records = entries.map((entry) => {
    const own = new KinesisInput(entry)
    const record = readRecord(own)
    own.end()
    return record
  })
  const bytes = records.reduce((sum, { key, data }) => sum + Buffer.byteLength(key) + data.length, 0)
  if (bytes > MAX_REQUEST_BYTES)
    throw invalidArgument(`The records have ${bytes} bytes with their keys, the limit is ${MAX_REQUEST_BYTES}.`)
  const appended = await control.streams.append(name, records)
  return {
    FailedRecordCount: 0,
    Records: appended.map(({ shard, sequence }) => ({ ShardId: formatShardId(shard), SequenceNumber: String(sequence) })),
    EncryptionType: 'NONE',
  }
}

function readRecord(input: KinesisInput): NewStreamRecord {
  const key = input.required('PartitionKey', input.text('PartitionKey', { max: 256 }))
  const hashKey = input.text('ExplicitHashKey', { pattern: HASH_KEY })
  const data = input.bytes('Data', MAX_RECORD_BYTES)
  if (hashKey === undefined) return { key, data }
  if (BigInt(hashKey) >= HASH_KEYS) throw invalidArgument(`The ExplicitHashKey ${hashKey} must be below 2^128.`)
  return { key, data, hashKey: BigInt(hashKey) }
}

export async function getShardIterator(input: KinesisInput, control: Control): Promise<object> {
  const stream = input.stream(control.account)
  const shard = input.shard('ShardId')
  const type = input.required('ShardIteratorType', input.choice('ShardIteratorType', ITERATOR_TYPES))
  const sequence = input.sequence('StartingSequenceNumber')
  const timestamp = input.any('Timestamp')
  input.end()
  await find(stream, control)
  const after = await locate({ stream, shard, type, sequence, timestamp }, control)
  return { ShardIterator: formatIterator({ stream, shard, after, issuedMs: control.now() }) }
}

const ITERATOR_TYPES = ['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER', 'TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP'] as const

interface Start {
  readonly stream: string
  readonly shard: number
  readonly type: (typeof ITERATOR_TYPES)[number]
  readonly sequence: number | undefined
  readonly timestamp: unknown
}

async function locate({ stream, shard, type, sequence, timestamp }: Start, { streams: { engine } }: Control): Promise<number> {
  // Also says that the shard is there.
  const first = await engine.locate(stream, shard, 'first')
  switch (type) {
    case 'TRIM_HORIZON':
      return first
    case 'LATEST':
      return await engine.locate(stream, shard, 'latest')
    case 'AT_TIMESTAMP':
      if (typeof timestamp !== 'number') throw invalidArgument('Timestamp must be given with AT_TIMESTAMP.')
      return await engine.locate(stream, shard, { timestampMs: timestamp * 1000 })
    case 'AT_SEQUENCE_NUMBER':
    case 'AFTER_SEQUENCE_NUMBER':
      if (sequence === undefined) throw invalidArgument(`StartingSequenceNumber must be given with ${type}.`)
      return type === 'AT_SEQUENCE_NUMBER' ? sequence - 1 : sequence
    default:
      return type satisfies never
  }
}

export async function getRecords(input: KinesisInput, control: Control): Promise<object> {
  const { stream, shard, after } = readIterator(
    input.required('ShardIterator', input.text('ShardIterator', { max: 512 })),
    control.now(),
  )
  const limit = input.integer('Limit', { min: 1, max: MAX_READ }) ?? MAX_READ
  // The iterator says whose it is.
  input.any('StreamARN')
  input.any('StreamId')
  input.end()
  await find(stream, control)
  const { engine } = control.streams
  const { records, behindMs, ended } = await engine.read(stream, { shard, after, limit, maxBytes: MAX_READ_BYTES })
  const next = { stream, shard, after: records.at(-1)?.sequence ?? after, issuedMs: control.now() }
  return {
    Records: records.map(({ sequence, key, arrivedMs, data }) => ({
      SequenceNumber: String(sequence),
      ApproximateArrivalTimestamp: arrivedMs / 1000,
      Data: Buffer.from(data).toString('base64'),
      PartitionKey: key,
      EncryptionType: 'NONE',
    })),
    MillisBehindLatest: behindMs,
    ...(ended
      ? { ChildShards: (await engine.shards(stream)).filter(({ parents }) => parents.includes(shard)).map(viewChild) }
      : { NextShardIterator: formatIterator(next) }),
  }
}

const viewChild = ({ number, parents, startHash, endHash }: Shard): object => ({
  ShardId: formatShardId(number),
  ParentShards: parents.map(formatShardId),
  HashKeyRange: { StartingHashKey: String(startHash), EndingHashKey: String(endHash) },
})

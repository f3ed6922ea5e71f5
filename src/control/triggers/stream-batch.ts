import type { Account } from '../../functions/arn.ts'
import { formatFunctionArn } from '../../functions/arn.ts'
import type { Pattern } from '../../functions/pattern/pattern.ts'
import { formatShardId, formatStreamArn } from '../../functions/stream-arn.ts'
import type { StreamRecord } from '../../invoke/batch-event.ts'
import type { StoredStreamRecord } from '../../store/stream.ts'
import type { GivenUp, StreamWork } from './stream-line.ts'
import type { StreamMapping } from './stream-mapping.ts'

/** What a function is given at once, in bytes of data: its event has them in base64, and Lambda's payload is 6 MB. */
export const MAX_BATCH_BYTES = 4 * 1024 * 1024

/** As functions are given it. */
export const toStreamRecord = ({ sequence, key, arrivedMs, data }: StoredStreamRecord): StreamRecord => ({
  id: String(sequence),
  key,
  timestampMs: arrivedMs,
  data,
})

/** How many of the records, from the first on, one invocation is given. */
export function fitting(records: readonly StoredStreamRecord[], size: number): number {
  let bytes = 0
  for (const [index, { data }] of records.entries()) {
    bytes += data.length
    if (index === size || (index > 0 && bytes > MAX_BATCH_BYTES)) return index
  }
  return records.length
}

/** Whether one of the filters wants the record. Lambda: what is no JSON fits no pattern for parts of `data`. */
export function isWantedRecord(
  { sequence, key, arrivedMs, data }: StoredStreamRecord,
  { filters, stream }: Pick<StreamMapping, 'filters' | 'stream'>,
  account: Account,
): boolean {
  if (filters.length === 0) return true
  const record = {
    kinesisSchemaVersion: '1.0',
    partitionKey: key,
    sequenceNumber: String(sequence),
    data: parsed(data),
    approximateArrivalTimestamp: arrivedMs / 1000,
    eventSource: 'aws:kinesis',
    eventSourceARN: formatStreamArn(account, stream),
    awsRegion: account.region,
  }
  return filters.some((matches: Pattern) => matches(record))
}

function parsed(data: Uint8Array): unknown {
  const text = Buffer.from(data).toString()
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export interface GivenUpBatch {
  readonly work: StreamWork
  readonly why: GivenUp
  readonly shard: number
  /** Of the last invocation; undefined: there was none. */
  readonly requestId: string | undefined
}

/** What an on-failure destination gets: the JSON of AWS Lambda, "Retain discarded batch records for a Kinesis Data Streams event source". */
export function givenUpRecord(
  { work: { records, attempts }, why, shard, requestId }: GivenUpBatch,
  { name, qualifier, stream }: StreamMapping,
  account: Account,
  now: number,
): string {
  const [first, last] = [records[0], records.at(-1)]
  if (first === undefined || last === undefined) throw new Error('a batch without records was given up')
  return JSON.stringify({
    requestContext: {
      ...(requestId !== undefined && { requestId }),
      functionArn: formatFunctionArn(account, name, qualifier),
      condition: why,
      approximateInvokeCount: attempts,
    },
    ...(requestId !== undefined && {
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    }),
    version: '1.0',
    timestamp: new Date(now).toISOString(),
    KinesisBatchInfo: {
      shardId: formatShardId(shard),
      startSequenceNumber: String(first.sequence),
      endSequenceNumber: String(last.sequence),
      approximateArrivalOfFirstRecord: new Date(first.arrivedMs).toISOString(),
      approximateArrivalOfLastRecord: new Date(last.arrivedMs).toISOString(),
      batchSize: records.length,
      streamArn: formatStreamArn(account, stream),
    },
  })
}

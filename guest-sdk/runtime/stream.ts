import { bytesToBase64, TEXT, utf8DecodeLossy } from './bytes.ts'
import { ACCOUNT, FAILURES, STATE, type Identity, type InvocationContext } from './context.ts'
import { describe } from './errors.ts'
import type { Environment, Failure, StreamEvent, StreamEventRecord, With } from './function.ts'
import { parseJson } from './queue.ts'
import type { StreamBatch, StreamRecord, StreamWindow } from '../types/function.ts'
import type { KinesisStreamEvent, KinesisStreamTumblingWindowEvent } from '../types/lambda.ts'

/** Calls a `stream` function. From where on records come again is told by the context's `FAILURES`; when it fails, all of them do: order is kept. */
export async function callStream(
  author: With<'stream'>,
  event: StreamEvent,
  env: Environment,
  context: InvocationContext,
): Promise<undefined> {
  const batch = new Batch(event)
  const result: unknown = await author.stream(batch, env, context)
  if (typeof result === 'object' && result !== null && 'batchItemFailures' in result)
    throw new TypeError(
      `stream(batch, env, ctx) must return nothing, but returned ${describe(result)}: call record.retry() instead (batchItemFailures is what Lambda's handler returns)`,
    )
  context[FAILURES] = () => batch.failures()
  if (batch.window !== undefined) context[STATE] = () => batch.state
  return undefined
}

const RETRIED = Symbol('retried')

class Batch implements StreamBatch {
  declare readonly stream: string
  declare readonly shard: string
  declare readonly records: readonly BatchRecord[]
  declare readonly window?: StreamWindow
  declare state?: unknown

  constructor(event: StreamEvent) {
    this.stream = event.stream
    this.shard = event.shard
    this.records = event.records.map((record) => new BatchRecord(record))
    if (event.window === undefined) return
    const { start, end, final, early, state } = event.window
    this.window = { start: new Date(start), end: new Date(end), final, early }
    this.state = state
  }

  retryAll(): void {
    this.records[0]?.retry()
  }

  failures(): readonly Failure[] {
    const first = this.records.find((record) => record[RETRIED])
    return first === undefined ? [] : [{ id: first.sequenceNumber }]
  }
}

class BatchRecord implements StreamRecord {
  declare readonly sequenceNumber: string
  declare readonly partitionKey: string
  declare readonly data: Uint8Array
  declare readonly approximateArrivalTimestamp: Date;
  declare [RETRIED]: boolean

  constructor({ id, key, timestamp, data }: StreamEventRecord) {
    this.sequenceNumber = id
    this.partitionKey = key
    this.data = data
    this.approximateArrivalTimestamp = new Date(timestamp)
    this[RETRIED] = false
  }

  text(): string {
    return TEXT.fromUtf8(this.data) ?? utf8DecodeLossy(this.data)
  }

  json(): unknown {
    return parseJson(this.text(), `the record ${this.sequenceNumber}`)
  }

  retry(): void {
    this[RETRIED] = true
  }
}

/** A batch as Lambda gives it to a handler. */
export function toKinesisEvent(
  { stream, shard, records, window }: StreamEvent,
  { region: awsRegion }: Identity,
): KinesisStreamEvent | KinesisStreamTumblingWindowEvent {
  const eventSourceARN = `arn:aws:kinesis:${awsRegion}:${ACCOUNT}:stream/${stream}`
  return {
    Records: records.map(({ id, key, timestamp, data }) => ({
      kinesis: {
        kinesisSchemaVersion: '1.0',
        partitionKey: key,
        sequenceNumber: id,
        data: bytesToBase64(data),
        approximateArrivalTimestamp: timestamp / 1000,
      },
      eventSource: 'aws:kinesis',
      eventVersion: '1.0',
      eventID: `${shard}:${id}`,
      eventName: 'aws:kinesis:record',
      invokeIdentityArn: `arn:aws:iam::${ACCOUNT}:role/ampoule`,
      awsRegion,
      eventSourceARN,
    })),
    ...(window !== undefined && {
      window: { start: new Date(window.start).toISOString(), end: new Date(window.end).toISOString() },
      state: window.state,
      shardId: shard,
      eventSourceARN,
      isFinalInvokeForWindow: window.final,
      isWindowTerminatedEarly: window.early,
    }),
  }
}

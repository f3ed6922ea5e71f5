import { parseQueueArn } from '../../functions/queue-arn.ts'
import { parseStreamArn } from '../../functions/stream-arn.ts'
import type { Account } from '../../functions/arn.ts'
import type { Pattern } from '../../functions/pattern/pattern.ts'
import type { EventSourceMappingRecord } from '../../store/records.ts'
import type { StreamStart } from '../../store/stream.ts'
import { filtersOf, mappingOf } from './mapping.ts'
import type { RetryPolicy } from './stream-line.ts'

/** What a mapping of a stream to a function asks for. */
export interface StreamMapping {
  readonly uuid: string
  readonly name: string
  readonly qualifier: string | undefined
  readonly stream: string
  readonly start: StreamStart
  readonly batchSize: number
  readonly windowMs: number
  /** Batches of one shard at a time; records of one key are in one of them. */
  readonly parallel: number
  readonly partial: boolean
  /** Of tumbling windows, milliseconds; undefined: there are none. */
  readonly tumblingMs: number | undefined
  readonly filters: readonly Pattern[]
  readonly policy: RetryPolicy
  /** The queue for what is given up. */
  readonly failed: string | undefined
}

const DEFAULT_BATCH = 100

/** Undefined: it is of no stream of this host, or reads nothing. */
export function readStreamMapping(record: EventSourceMappingRecord, account: Account): StreamMapping | undefined {
  const { enabled, qualifier, startingTimestampMs, given } = mappingOf(record)
  const stream = parseStreamArn(record.source, account)
  if (stream === undefined || !enabled) return undefined
  const failed = given.DestinationConfig?.OnFailure?.Destination
  return {
    uuid: record.uuid,
    name: record.name,
    qualifier,
    stream,
    start:
      given.StartingPosition === 'AT_TIMESTAMP'
        ? { timestampMs: startingTimestampMs ?? 0 }
        : given.StartingPosition === 'LATEST'
          ? 'latest'
          : 'first',
    batchSize: given.BatchSize ?? DEFAULT_BATCH,
    windowMs: (given.MaximumBatchingWindowInSeconds ?? 0) * 1000,
    parallel: given.ParallelizationFactor ?? 1,
    tumblingMs: (given.TumblingWindowInSeconds ?? 0) > 0 ? (given.TumblingWindowInSeconds ?? 0) * 1000 : undefined,
    partial: given.FunctionResponseTypes?.includes('ReportBatchItemFailures') === true,
    filters: filtersOf(given),
    policy: {
      maxRetries: limit(given.MaximumRetryAttempts),
      maxAgeMs: limit(given.MaximumRecordAgeInSeconds, 1000),
      bisect: given.BisectBatchOnFunctionError === true,
    },
    failed: failed === undefined ? undefined : parseQueueArn(failed, account),
  }
}

/** Lambda: -1 is for ever. */
const limit = (value: number | undefined, unit = 1): number | undefined =>
  value === undefined || value === -1 ? undefined : value * unit

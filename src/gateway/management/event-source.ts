import type { CreateEventSourceMappingRequest } from '@aws-sdk/client-lambda'
import { MAPPING_SETTINGS, type MappingSettings } from '../../control/triggers/mapping.ts'
import { invalidParameter } from '../../functions/lambda-error.ts'
import { PatternError } from '../../functions/pattern/error.ts'
import { readPattern } from '../../functions/pattern/pattern.ts'

/** What functions can be given messages, records or events of. */
export interface EventSource {
  readonly arn: string
  readonly kind: 'sqs' | 'kinesis' | 'dynamodb' | 'events' | 'redis'
  readonly fifo: boolean
}

type Given = Partial<CreateEventSourceMappingRequest>

const FORMS: readonly (readonly [EventSource['kind'], RegExp])[] = [
  ['sqs', /^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}(\.fifo)?$/],
  ['kinesis', /^arn:aws[a-z-]*:kinesis:[a-z0-9-]+:\d{12}:stream\/[A-Za-z0-9_.-]{1,128}(\/consumer\/[A-Za-z0-9_.-]+:\d+)?$/],
  ['redis', /^arn:aws[a-z-]*:elasticache:[a-z0-9-]+:\d{12}:stream\/[\w.:{}-]{1,256}$/],
  ['events', /^arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus\/default$/],
  ['dynamodb', /^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:\d{12}:table\/[A-Za-z0-9_.-]{3,255}\/stream\/[0-9T:.-]+$/],
]

/** Throws `InvalidParameterValueException` for other sources. */
export function requireSource({ EventSourceArn, SelfManagedEventSource }: Given): EventSource {
  if (SelfManagedEventSource !== undefined) throw unsupported('SelfManagedEventSource')
  if (EventSourceArn === undefined) throw invalidParameter('The parameter EventSourceArn is missing.')
  const kind = FORMS.find(([, form]) => form.test(EventSourceArn))?.[0]
  if (kind === undefined)
    throw invalidParameter(
      `Unrecognized event source: ${EventSourceArn} must be the ARN of an SQS queue, a Kinesis stream, a stream of Redis, the event bus or a stream of a DynamoDB table`,
    )
  return { arn: EventSourceArn, kind, fifo: EventSourceArn.endsWith('.fifo') }
}

const unsupported = (name: string): Error => invalidParameter(`The parameter ${name} is not supported`)

const NEVER = [
  'KMSKeyArn',
  'MetricsConfig',
  'LoggingConfig',
  'Topics',
  'Queues',
  'SourceAccessConfigurations',
  'AmazonManagedKafkaEventSourceConfig',
  'SelfManagedKafkaEventSourceConfig',
  'DocumentDBEventSourceConfig',
  'ProvisionedPollerConfig',
] as const

/** Of streams only, and of queues only. */
const OF_STREAMS = [
  'ParallelizationFactor',
  'StartingPosition',
  'StartingPositionTimestamp',
  'DestinationConfig',
  'MaximumRecordAgeInSeconds',
  'BisectBatchOnFunctionError',
  'MaximumRetryAttempts',
  'TumblingWindowInSeconds',
] as const
const OF_QUEUES = ['ScalingConfig'] as const
const OF_BATCHES = ['BatchSize', 'MaximumBatchingWindowInSeconds', 'FunctionResponseTypes'] as const
const OF_OTHERS: Readonly<Record<EventSource['kind'], readonly (keyof Given)[]>> = {
  sqs: OF_STREAMS,
  kinesis: OF_QUEUES,
  dynamodb: OF_QUEUES,
  redis: [
    'ParallelizationFactor',
    'StartingPositionTimestamp',
    'MaximumRecordAgeInSeconds',
    'BisectBatchOnFunctionError',
    'TumblingWindowInSeconds',
  ],
  // Each event is an invocation of its own.
  events: [...OF_STREAMS, ...OF_QUEUES, ...OF_BATCHES],
}

const DEFAULT_BATCH = { sqs: 10, redis: 10, kinesis: 100, dynamodb: 100 }
/** Above this a queue's batches need a window; FIFO queues have no larger ones. */
const SMALL_BATCH = 10
const MAX_FILTERS = 10

/** What is given, over what was there or the defaults of the source. Throws `InvalidParameterValueException`. */
export function readSettings(source: EventSource, before: MappingSettings | undefined, input: Given): MappingSettings {
  for (const name of NEVER) if (isGiven(input[name])) throw unsupported(name)
  for (const name of OF_OTHERS[source.kind])
    if (isGiven(input[name])) throw invalidParameter(`Unsupported parameter ${name} for the event source ${source.arn}`)
  const given = Object.fromEntries(
    MAPPING_SETTINGS.map((name) => [name, input[name] ?? before?.given[name] ?? defaultOf(name, source)]).filter(
      ([, value]) => value !== undefined,
    ),
  ) as MappingSettings['given']
  checkBatch(source, given)
  checkFilters(given)
  if (given.DestinationConfig?.OnSuccess?.Destination !== undefined)
    throw invalidParameter('An event source mapping has no OnSuccess destination')
  if (before === undefined) checkStart(source, input)
  return {
    enabled: input.Enabled ?? before?.enabled ?? true,
    startingTimestampMs: input.StartingPositionTimestamp?.getTime() ?? before?.startingTimestampMs,
    given,
  }
}

const isGiven = (value: unknown): boolean =>
  value !== undefined &&
  value !== '' &&
  !(typeof value === 'object' && value !== null && !(value instanceof Date) && Object.keys(value).length === 0)

function defaultOf(name: (typeof MAPPING_SETTINGS)[number], { kind }: EventSource): unknown {
  if (kind === 'events') return undefined
  if (name === 'BatchSize') return DEFAULT_BATCH[kind]
  if (name === 'MaximumBatchingWindowInSeconds') return 0
  if (name === 'FunctionResponseTypes') return []
  if (kind === 'sqs') return undefined
  if (kind === 'redis') return { MaximumRetryAttempts: -1, StartingPosition: 'TRIM_HORIZON' }[name as string]
  // AWS Lambda, "Creating an event source mapping": -1 is for ever.
  const ofStreams: Partial<Record<typeof name, unknown>> = {
    ParallelizationFactor: 1,
    MaximumRecordAgeInSeconds: -1,
    MaximumRetryAttempts: -1,
    BisectBatchOnFunctionError: false,
    TumblingWindowInSeconds: 0,
  }
  return ofStreams[name]
}

function checkBatch(
  { kind, fifo }: EventSource,
  { BatchSize = 0, MaximumBatchingWindowInSeconds = 0 }: MappingSettings['given'],
): void {
  if (kind !== 'sqs') return
  if (fifo && MaximumBatchingWindowInSeconds > 0) throw invalidParameter('Batching window is not supported for FIFO queues.')
  if (fifo && BatchSize > SMALL_BATCH)
    throw invalidParameter(`The BatchSize ${BatchSize} is above ${SMALL_BATCH}, the most for FIFO queues`)
  if (BatchSize > SMALL_BATCH && MaximumBatchingWindowInSeconds < 1)
    throw invalidParameter(
      `Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than ${SMALL_BATCH}`,
    )
}

function checkFilters({ FilterCriteria }: MappingSettings['given']): void {
  const filters = FilterCriteria?.Filters ?? []
  if (filters.length > MAX_FILTERS) throw invalidParameter(`There are ${filters.length} filters, the limit is ${MAX_FILTERS}`)
  for (const [index, { Pattern = '' }] of filters.entries())
    try {
      readPattern(Pattern)
    } catch (error) {
      if (!(error instanceof PatternError)) throw error
      throw invalidParameter(`Invalid filter pattern definition: in filter ${index}, ${error.message}`)
    }
}

function checkStart({ kind }: EventSource, { StartingPosition, StartingPositionTimestamp }: Given): void {
  if (kind === 'redis' && StartingPosition === 'AT_TIMESTAMP')
    throw invalidParameter('Unsupported starting position for a stream of Redis: AT_TIMESTAMP')
  if (kind === 'sqs' || kind === 'events' || kind === 'redis') return
  if (StartingPosition === undefined)
    throw invalidParameter(
      "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.",
    )
  if (StartingPosition === 'AT_TIMESTAMP' && kind === 'dynamodb')
    throw invalidParameter('Unsupported starting position for stream type: AT_TIMESTAMP')
  if ((StartingPosition === 'AT_TIMESTAMP') !== (StartingPositionTimestamp !== undefined))
    throw invalidParameter('StartingPositionTimestamp must be given with the StartingPosition AT_TIMESTAMP, and only with it')
}

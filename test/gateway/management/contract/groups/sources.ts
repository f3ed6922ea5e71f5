import { expect } from 'vitest'
import { create } from '../../host.ts'
import { lacks, refuses, works, type Group } from '../case.ts'
import { BASE } from '../code.ts'
import { PREFIX } from '../names.ts'
import { createQueue, createStream } from '../made-sources.ts'

const FunctionName = 'fed'
const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:orders'
const STREAM = 'arn:aws:kinesis:us-east-1:000000000000:stream/clicks'
const NOT_THERE = /^The resource you requested does not exist\.$/
const UUID = '00000000-0000-0000-0000-000000000000'
const FilterCriteria = { Filters: [{ Pattern: '{"a":[1]}' }] }
const OF_STREAMS = {
  ParallelizationFactor: 2,
  BisectBatchOnFunctionError: true,
  MaximumRecordAgeInSeconds: 60,
  MaximumRetryAttempts: 3,
  TumblingWindowInSeconds: 30,
  DestinationConfig: { OnFailure: { Destination: QUEUE } },
}
const NEVER = {
  AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: 'group' },
  DocumentDBEventSourceConfig: { DatabaseName: 'db' },
  KMSKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/any',
  LoggingConfig: { SystemLogLevel: 'INFO' },
  MetricsConfig: { Metrics: ['EventCount'] },
  ProvisionedPollerConfig: { MinimumPollers: 1 },
  SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: 'group' },
  SourceAccessConfigurations: [{ Type: 'BASIC_AUTH', URI: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:any' }],
}
const resource = `${PREFIX}:function:fed`

export const sources: Group = {
  title: 'event sources and tags',
  async prepare(client, endpoint) {
    await create(client, { ...BASE, FunctionName })
    for (const name of ['orders', 'orders-2']) await createQueue(name, endpoint)
    await createStream('clicks', endpoint)
  },
  cases: [
    works(
      'CreateEventSourceMapping',
      'maps a stream to a function',
      {
        FunctionName,
        EventSourceArn: STREAM,
        StartingPosition: 'AT_TIMESTAMP',
        StartingPositionTimestamp: new Date(0),
        ...OF_STREAMS,
      },
      { EventSourceArn: STREAM, FunctionArn: resource, ...OF_STREAMS },
    ),
    works(
      'CreateEventSourceMapping',
      'maps a queue to a function',
      {
        FunctionName,
        EventSourceArn: QUEUE,
        Enabled: false,
        BatchSize: 5,
        MaximumBatchingWindowInSeconds: 1,
        FilterCriteria,
        ScalingConfig: { MaximumConcurrency: 2 },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        Tags: { team: 'blue' },
      },
      { BatchSize: 5, FilterCriteria, State: 'Disabled', UUID: expect.any(String) },
    ),
    refuses(
      'CreateEventSourceMapping',
      'ResourceConflictException',
      'the same again',
      { FunctionName, EventSourceArn: QUEUE },
      /^An event source mapping with source arn \(" \S+ "\) and function \(" fed "\) already exists\. Please update or delete the existing mapping with UUID /,
    ),
    refuses(
      'CreateEventSourceMapping',
      'InvalidParameterValueException',
      'a queue that there is not',
      { FunctionName, EventSourceArn: `${QUEUE}-none` },
      /NonExistentQueue/,
    ),
    refuses(
      'CreateEventSourceMapping',
      'InvalidParameterValueException',
      'a source that is none',
      { FunctionName, EventSourceArn: 'arn:aws:sns:us-east-1:000000000000:topic' },
      /^Unrecognized event source/,
    ),
    refuses(
      'CreateEventSourceMapping',
      'ResourceNotFoundException',
      'a function that there is not',
      { FunctionName: 'none', EventSourceArn: QUEUE },
      /^Function not found: /,
    ),
    ...lacks(
      'CreateEventSourceMapping',
      { FunctionName, EventSourceArn: `${QUEUE}-2` },
      {
        ...NEVER,
        Queues: ['queue'],
        Topics: ['topic'],
        SelfManagedEventSource: { Endpoints: { KAFKA_BOOTSTRAP_SERVERS: ['a:9092'] } },
      },
    ),
    works('GetEventSourceMapping', 'shows it', (seen) => ({ UUID: seen.last('CreateEventSourceMapping').UUID }), {
      EventSourceArn: QUEUE,
    }),
    refuses('GetEventSourceMapping', 'ResourceNotFoundException', 'one that there is not', { UUID }, NOT_THERE),
    works(
      'ListEventSourceMappings',
      'lists those of a function, page by page',
      { FunctionName, MaxItems: 1 },
      { EventSourceMappings: [{ FunctionArn: resource }], NextMarker: expect.any(String) },
    ),
    works(
      'ListEventSourceMappings',
      'goes on from a marker',
      (seen) => ({ FunctionName, Marker: seen.last('ListEventSourceMappings').NextMarker }),
      { EventSourceMappings: [{ FunctionArn: resource }] },
    ),
    works(
      'ListEventSourceMappings',
      'lists those of a source',
      { EventSourceArn: QUEUE },
      { EventSourceMappings: [{ EventSourceArn: QUEUE }] },
    ),
    refuses(
      'ListEventSourceMappings',
      'InvalidParameterValueException',
      'a marker from elsewhere',
      { Marker: 'none' },
      /The Marker "none"/,
    ),
    works(
      'UpdateEventSourceMapping',
      'changes what is given',
      (seen) => ({
        UUID: seen.last('GetEventSourceMapping').UUID,
        FunctionName,
        Enabled: true,
        BatchSize: 7,
        MaximumBatchingWindowInSeconds: 2,
        FilterCriteria,
        ScalingConfig: { MaximumConcurrency: 3 },
        FunctionResponseTypes: [],
      }),
      { BatchSize: 7 },
    ),
    refuses(
      'UpdateEventSourceMapping',
      'InvalidParameterValueException',
      'large batches without a window',
      (seen) => ({ UUID: seen.last('GetEventSourceMapping').UUID, BatchSize: 11, MaximumBatchingWindowInSeconds: 0 }),
      /^Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10$/,
    ),
    refuses('UpdateEventSourceMapping', 'ResourceNotFoundException', 'one that there is not', { UUID, BatchSize: 1 }, NOT_THERE),
    ...lacks('UpdateEventSourceMapping', (seen) => ({ UUID: seen.last('GetEventSourceMapping').UUID }), NEVER),
    works(
      'ListEventSourceMappings',
      'lists those of a stream',
      { EventSourceArn: STREAM },
      { EventSourceMappings: [{ EventSourceArn: STREAM }] },
    ),
    works(
      'UpdateEventSourceMapping',
      'changes what only streams have',
      (seen) => ({
        UUID: seen.last('ListEventSourceMappings').EventSourceMappings?.[0]?.UUID,
        ...OF_STREAMS,
        MaximumRetryAttempts: 4,
      }),
      { ...OF_STREAMS, MaximumRetryAttempts: 4 },
    ),
    works('DeleteEventSourceMapping', 'deletes it', (seen) => ({ UUID: seen.last('GetEventSourceMapping').UUID }), {
      State: 'Deleting',
    }),
    refuses('DeleteEventSourceMapping', 'ResourceNotFoundException', 'one that there is not', { UUID }, NOT_THERE),
    works('TagResource', 'tags a function', { Resource: resource, Tags: { team: 'blue', cost: '1' } }),
    refuses(
      'TagResource',
      'InvalidParameterValueException',
      'keys that AWS reserves',
      { Resource: resource, Tags: { 'aws:a': '1' } },
      /is reserved/,
    ),
    refuses(
      'TagResource',
      'ResourceNotFoundException',
      'a function that there is not',
      { Resource: `${PREFIX}:function:none`, Tags: { a: '1' } },
      /^Function not found: /,
    ),
    works('ListTags', 'lists them', { Resource: resource }, { Tags: { team: 'blue', cost: '1' } }),
    refuses(
      'ListTags',
      'ResourceNotFoundException',
      'a function that there is not',
      { Resource: `${PREFIX}:function:none` },
      /^Function not found: /,
    ),
    refuses(
      'ListTags',
      'InvalidParameterValueException',
      'a version',
      { Resource: `${resource}:1` },
      /^Tags on function aliases and versions are not supported\. Please specify a function ARN\.$/,
    ),
    works('UntagResource', 'takes them away', { Resource: resource, TagKeys: ['team', 'cost'] }),
    refuses(
      'UntagResource',
      'ResourceNotFoundException',
      'a function that there is not',
      { Resource: `${PREFIX}:function:none`, TagKeys: ['a'] },
      /^Function not found: /,
    ),
    refuses(
      'UntagResource',
      'InvalidParameterValueException',
      'a version',
      { Resource: `${resource}:1`, TagKeys: ['a'] },
      /aliases and versions/,
    ),
  ],
}

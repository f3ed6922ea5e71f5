import {
  CreateEventSourceMappingCommand,
  DeleteEventSourceMappingCommand,
  DeleteFunctionEventInvokeConfigCommand,
  GetEventSourceMappingCommand,
  GetFunctionCodeSigningConfigCommand,
  GetFunctionEventInvokeConfigCommand,
  GetFunctionRecursionConfigCommand,
  GetRuntimeManagementConfigCommand,
  ListEventSourceMappingsCommand,
  ListFunctionEventInvokeConfigsCommand,
  PublishVersionCommand,
  PutFunctionEventInvokeConfigCommand,
  PutFunctionRecursionConfigCommand,
  PutRuntimeManagementConfigCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionEventInvokeConfigCommand,
  type CreateEventSourceMappingCommandInput,
  type PutFunctionEventInvokeConfigCommandInput,
} from '@aws-sdk/client-lambda'
import { CreateQueueCommand } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sqsClient } from '../sqs/client.ts'
import { create, nodeFunction, removeFolders, startManaged, type ManagedHost } from './host.ts'

let managed: ManagedHost
beforeAll(async () => {
  managed = await startManaged({ lanes: 1 })
  await create(managed.client, await nodeFunction('fn', 'export const handler = () => 1'))
  const sqs = sqsClient(managed)
  await create(managed.client, await nodeFunction('other', 'export const handler = () => 1'))
  for (const QueueName of ['queue', 'queue2', 'dead']) await sqs.send(new CreateQueueCommand({ QueueName }))
  sqs.destroy()
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

const INVALID = { name: 'InvalidParameterValueException', $metadata: { httpStatusCode: 400 } }
const MISSING = { name: 'ResourceNotFoundException', $metadata: { httpStatusCode: 404 } }
const FN = 'arn:aws:lambda:us-east-1:000000000000:function:fn'
const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:queue'
const OTHER = 'arn:aws:lambda:us-east-1:000000000000:function:other'

describe('the settings of asynchronous invocations', () => {
  const FunctionName = 'fn'

  it('are put, changed, shown, listed and deleted, for the function and for its versions', async () => {
    const { client } = managed
    const put = await client.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName,
        MaximumRetryAttempts: 0,
        DestinationConfig: { OnSuccess: { Destination: QUEUE }, OnFailure: { Destination: OTHER } },
      }),
    )
    expect(put).toMatchObject({
      FunctionArn: `${FN}:$LATEST`,
      MaximumRetryAttempts: 0,
      LastModified: expect.any(Date) as Date,
      DestinationConfig: { OnSuccess: { Destination: QUEUE }, OnFailure: { Destination: OTHER } },
    })
    const changed = await client.send(
      new UpdateFunctionEventInvokeConfigCommand({
        FunctionName,
        MaximumEventAgeInSeconds: 60,
        DestinationConfig: { OnSuccess: { Destination: '' } },
      }),
    )
    expect(changed).toMatchObject({
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
      DestinationConfig: { OnSuccess: {}, OnFailure: { Destination: OTHER } },
    })
    expect(changed.DestinationConfig?.OnSuccess).toEqual({})
    await client.send(new PublishVersionCommand({ FunctionName }))
    await client.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, Qualifier: '1', MaximumRetryAttempts: 2 }))
    const first = await client.send(new ListFunctionEventInvokeConfigsCommand({ FunctionName, MaxItems: 1 }))
    expect(first.FunctionEventInvokeConfigs?.map((one) => one.FunctionArn)).toEqual([`${FN}:$LATEST`])
    const second = await client.send(
      new ListFunctionEventInvokeConfigsCommand({ FunctionName, MaxItems: 1, Marker: first.NextMarker }),
    )
    expect(second.FunctionEventInvokeConfigs?.map((one) => one.FunctionArn)).toEqual([`${FN}:1`])
    expect(second.NextMarker).toBeUndefined()
    // A second Put leaves nothing of the first.
    const again = await client.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 1 }))
    expect(again.MaximumEventAgeInSeconds).toBeUndefined()
    await client.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName }))
    await expect(client.send(new GetFunctionEventInvokeConfigCommand({ FunctionName }))).rejects.toMatchObject(MISSING)
    await expect(client.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName }))).rejects.toMatchObject(MISSING)
    await expect(
      client.send(new UpdateFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 1 })),
    ).rejects.toMatchObject(MISSING)
    expect(await client.send(new GetFunctionEventInvokeConfigCommand({ FunctionName, Qualifier: '1' }))).toMatchObject({
      MaximumRetryAttempts: 2,
    })
  })

  it.each<[string, Partial<PutFunctionEventInvokeConfigCommandInput>, object]>([
    ['nothing', {}, INVALID],
    ['three retries', { MaximumRetryAttempts: 3 }, { name: 'ValidationException' }],
    ['an age under a minute', { MaximumEventAgeInSeconds: 59 }, { name: 'ValidationException' }],
    ['an age over six hours', { MaximumEventAgeInSeconds: 21_601 }, { name: 'ValidationException' }],
    [
      'a destination that is a stream',
      { DestinationConfig: { OnFailure: { Destination: `arn:aws:kinesis:us-east-1:000000000000:stream/s` } } },
      INVALID,
    ],
    ['a bucket for successes', { DestinationConfig: { OnSuccess: { Destination: 'arn:aws:s3:::bucket' } } }, INVALID],
    ['a topic', { DestinationConfig: { OnFailure: { Destination: 'arn:aws:sns:us-east-1:000000000000:topic' } } }, INVALID],
    ['a queue that there is not', { DestinationConfig: { OnFailure: { Destination: `${QUEUE}3` } } }, INVALID],
    ['a function that there is not', { DestinationConfig: { OnSuccess: { Destination: `${OTHER}3` } } }, INVALID],
    ['the function itself', { DestinationConfig: { OnFailure: { Destination: FN } } }, INVALID],
    ['a name of no function', { FunctionName: 'nowhere', MaximumRetryAttempts: 1 }, MISSING],
    ['a version that there is not', { Qualifier: '99', MaximumRetryAttempts: 1 }, MISSING],
  ])('are refused with %s', async (_, input, refusal) => {
    const command = new PutFunctionEventInvokeConfigCommand({ FunctionName, ...input })
    await expect(managed.client.send(command)).rejects.toMatchObject(refusal)
  })
})

describe('event source mappings', () => {
  it('are created, shown, listed, changed and deleted, and those of sources that are not read say so', async () => {
    const { client } = managed
    const made = await client.send(
      new CreateEventSourceMappingCommand({
        FunctionName: 'fn',
        EventSourceArn: QUEUE,
        FilterCriteria: { Filters: [{ Pattern: '{"body":{"a":[1]}}' }] },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      }),
    )
    expect(made).toMatchObject({
      $metadata: { httpStatusCode: 202 },
      EventSourceArn: QUEUE,
      FunctionArn: FN,
      BatchSize: 10,
      State: 'Enabled',
      StateTransitionReason: 'User action',
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    })
    const { UUID } = made
    const changed = await client.send(
      new UpdateEventSourceMappingCommand({ UUID, Enabled: false, BatchSize: 5, FunctionName: 'fn:1' }),
    )
    expect(changed).toMatchObject({
      BatchSize: 5,
      State: 'Disabled',
      StateTransitionReason: 'User action',
      FunctionArn: `${FN}:1`,
    })
    const stream = await client.send(
      new CreateEventSourceMappingCommand({
        FunctionName: 'fn',
        EventSourceArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/tab/stream/2026-01-01T00:00:00.000',
        StartingPosition: 'LATEST',
      }),
    )
    expect(stream).toMatchObject({
      BatchSize: 100,
      ParallelizationFactor: 1,
      MaximumRetryAttempts: -1,
      State: 'Disabled',
      StateTransitionReason: 'This host does not read from such event sources yet',
    })
    expect((await client.send(new ListEventSourceMappingsCommand({}))).EventSourceMappings).toHaveLength(2)
    expect((await client.send(new ListEventSourceMappingsCommand({ EventSourceArn: QUEUE }))).EventSourceMappings).toMatchObject([
      { UUID, FilterCriteria: { Filters: [{ Pattern: '{"body":{"a":[1]}}' }] } },
    ])
    expect((await client.send(new ListEventSourceMappingsCommand({ FunctionName: 'nowhere' }))).EventSourceMappings).toEqual([])
    await expect(
      client.send(new CreateEventSourceMappingCommand({ FunctionName: 'fn', EventSourceArn: QUEUE })),
    ).rejects.toMatchObject({ name: 'ResourceConflictException', message: expect.stringContaining(UUID ?? '') as string })
    expect(await client.send(new DeleteEventSourceMappingCommand({ UUID }))).toMatchObject({ State: 'Deleting' })
    await expect(client.send(new GetEventSourceMappingCommand({ UUID }))).rejects.toMatchObject(MISSING)
  })

  it.each<[string, Partial<CreateEventSourceMappingCommandInput>, object]>([
    ['a function that there is not', { FunctionName: 'nowhere' }, MISSING],
    ['a queue that there is not', { EventSourceArn: `${QUEUE}3` }, INVALID],
    ['no source', { EventSourceArn: undefined }, INVALID],
    ['a source that is none', { EventSourceArn: 'arn:aws:sns:us-east-1:000000000000:topic' }, INVALID],
    ['a large batch without a window', { BatchSize: 11 }, INVALID],
    ['a large batch of a FIFO queue', { EventSourceArn: `${QUEUE}.fifo`, BatchSize: 11 }, INVALID],
    ['a batch over the limit', { BatchSize: 10_001 }, { name: 'ValidationException' }],
    ['a parameter of streams for a queue', { StartingPosition: 'LATEST' }, INVALID],
    [
      'a stream that there is not',
      { EventSourceArn: 'arn:aws:kinesis:us-east-1:000000000000:stream/t', StartingPosition: 'LATEST' },
      INVALID,
    ],
    ['a stream without a start', { EventSourceArn: 'arn:aws:kinesis:us-east-1:000000000000:stream/t' }, INVALID],
    ['a filter that is no JSON', { FilterCriteria: { Filters: [{ Pattern: '{' }] } }, INVALID],
    ['Kafka', { Topics: ['topic'] }, INVALID],
  ])('are refused with %s', async (_, input, refusal) => {
    const command = new CreateEventSourceMappingCommand({ FunctionName: 'fn', EventSourceArn: `${QUEUE}2`, ...input })
    await expect(managed.client.send(command)).rejects.toMatchObject(refusal)
  })
})

describe('what becomes of loops of functions', () => {
  const FunctionName = 'fn'

  it('is that they are ended, or not where that is said', async () => {
    const { client } = managed
    const shown = async () => (await client.send(new GetFunctionRecursionConfigCommand({ FunctionName }))).RecursiveLoop
    expect(await shown()).toBe('Terminate')
    for (const RecursiveLoop of ['Allow', 'Terminate'] as const) {
      const put = await client.send(new PutFunctionRecursionConfigCommand({ FunctionName, RecursiveLoop }))
      expect(put.RecursiveLoop).toBe(RecursiveLoop)
      expect(await shown()).toBe(RecursiveLoop)
    }
  })
})

describe('what this host does in one way only', () => {
  const FunctionName = 'fn'

  it('is told as it is', async () => {
    const { client } = managed
    expect(await client.send(new GetRuntimeManagementConfigCommand({ FunctionName }))).toMatchObject({
      UpdateRuntimeOn: 'Auto',
      FunctionArn: FN,
    })
    expect(await client.send(new PutRuntimeManagementConfigCommand({ FunctionName, UpdateRuntimeOn: 'Auto' }))).toMatchObject({
      UpdateRuntimeOn: 'Auto',
    })
    expect(await client.send(new GetFunctionCodeSigningConfigCommand({ FunctionName }))).toMatchObject({
      CodeSigningConfigArn: '',
      FunctionName,
    })
  })

  it('is refused in other ways, and for functions that there are not', async () => {
    const { client } = managed
    const manual = new PutRuntimeManagementConfigCommand({ FunctionName, UpdateRuntimeOn: 'Manual' })
    await expect(client.send(manual)).rejects.toMatchObject(INVALID)
    for (const command of [
      new GetRuntimeManagementConfigCommand({ FunctionName: 'nowhere' }),
      new GetFunctionRecursionConfigCommand({ FunctionName: 'nowhere' }),
      new GetFunctionCodeSigningConfigCommand({ FunctionName: 'nowhere' }),
    ])
      await expect(client.send(command as GetRuntimeManagementConfigCommand)).rejects.toMatchObject(MISSING)
  })
})

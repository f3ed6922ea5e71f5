import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  PutFunctionRecursionConfigCommand,
  UpdateFunctionConfigurationCommand,
  type PutFunctionEventInvokeConfigCommandInput,
} from '@aws-sdk/client-lambda'
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  type Message,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { logOf, logsClient, messages as linesOf } from '../logs/client.ts'
import { sqsClient } from '../sqs/client.ts'
import { create, nodeFunction, removeFolders, startManaged, temporaryFolder, updated, type ManagedHost } from './host.ts'

let managed: ManagedHost
let sqs: SQSClient
let logs: ReturnType<typeof logsClient>
beforeAll(async () => {
  const dataDir = await temporaryFolder()
  await writeFile(join(dataDir, 'ampoule.jsonc'), JSON.stringify({ asyncRetryMs: 50, functions: {} }))
  managed = await startManaged({ dataDir })
  sqs = sqsClient(managed)
  logs = logsClient(managed.host.managementUrl ?? '')
})
afterAll(async () => {
  sqs.destroy()
  logs.destroy()
  await managed.stop()
  await removeFolders()
})

const WAIT = { timeout: 20_000, interval: 50 }
const SOURCE = `
export const handler = (event) => {
  const text = JSON.stringify(event)
  console.log('got ' + (text.length < 4096 ? text : '{"long":true}'))
  if (event.fail) throw new RangeError('no such thing')
  return { answered: event.number, filler: 'x'.repeat(event.filler ?? 0) }
}`

let made = 0

async function queue(): Promise<{ readonly url: string; readonly arn: string }> {
  const QueueName = `destination-${made++}`
  const { QueueUrl: url = '' } = await sqs.send(new CreateQueueCommand({ QueueName }))
  return { url, arn: `arn:aws:sqs:us-east-1:000000000000:${QueueName}` }
}

async function receive({ url: QueueUrl }: { readonly url: string }): Promise<Message> {
  let found: Message | undefined
  await expect
    .poll(async () => {
      const input = { QueueUrl, WaitTimeSeconds: 1, MessageAttributeNames: ['All'] }
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(input))
      found = Messages[0]
      return found
    }, WAIT)
    .toBeDefined()
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: found?.ReceiptHandle }))
  return found ?? {}
}

const recordIn = async (from: { readonly url: string }) => JSON.parse((await receive(from)).Body ?? '') as Record<string, unknown>

interface Made {
  readonly FunctionName: string
  readonly arn: string
}

async function fn(config: Partial<PutFunctionEventInvokeConfigCommandInput> = {}, deadLetter?: string): Promise<Made> {
  const FunctionName = `fn-${made++}`
  const more = deadLetter === undefined ? {} : { DeadLetterConfig: { TargetArn: deadLetter } }
  await create(managed.client, await nodeFunction(FunctionName, SOURCE, more))
  if (Object.keys(config).length > 0)
    await managed.client.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, ...config }))
  return { FunctionName, arn: `arn:aws:lambda:us-east-1:000000000000:function:${FunctionName}` }
}

async function send({ FunctionName }: Made, event: object): Promise<string> {
  const Payload = JSON.stringify(event)
  const answer = await managed.client.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload }))
  return answer.$metadata.requestId ?? ''
}

/** What a function has got, of its log. */
const got = async ({ FunctionName }: Made): Promise<readonly unknown[]> =>
  linesOf(await logOf(logs, FunctionName))
    .flatMap((line) => /got (.*)/.exec(line)?.[1] ?? [])
    .map((text) => JSON.parse(text) as unknown)

describe('an asynchronous invocation that fails', () => {
  it('is tried three times with one request id, then goes to the dead-letter queue and to the destination', async () => {
    const [dead, failed] = [await queue(), await queue()]
    const target = await fn({ DestinationConfig: { OnFailure: { Destination: failed.arn } } }, dead.arn)
    const requestId = await send(target, { fail: true })
    const letter = await receive(dead)
    expect(JSON.parse(letter.Body ?? '')).toEqual({ fail: true })
    expect(letter.MessageAttributes).toMatchObject({
      RequestID: { StringValue: requestId },
      ErrorCode: { StringValue: '200', DataType: 'Number' },
      ErrorMessage: { StringValue: 'no such thing' },
    })
    expect(await recordIn(failed)).toEqual({
      version: '1.0',
      timestamp: expect.stringMatching(/^20\d\d-.*Z$/) as string,
      requestContext: {
        requestId,
        functionArn: `${target.arn}:$LATEST`,
        condition: 'RetriesExhausted',
        approximateInvokeCount: 3,
      },
      requestPayload: { fail: true },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: {
        errorType: 'RangeError',
        errorMessage: 'no such thing',
        trace: expect.any(Array) as string[],
      },
    })
    await expect.poll(() => got(target), WAIT).toHaveLength(3)
  })

  it('is tried as often as the function wants', async () => {
    const failed = await queue()
    const target = await fn({ MaximumRetryAttempts: 0, DestinationConfig: { OnFailure: { Destination: failed.arn } } })
    await send(target, { fail: true })
    expect(await recordIn(failed)).toMatchObject({ requestContext: { approximateInvokeCount: 1 } })
  })

  it('goes to a dead-letter queue that it got later, and to none that was taken away', async () => {
    const dead = await queue()
    const target = await fn({ MaximumRetryAttempts: 0 })
    const change = async (TargetArn: string) => {
      const input = { FunctionName: target.FunctionName, DeadLetterConfig: { TargetArn } }
      await managed.client.send(new UpdateFunctionConfigurationCommand(input))
      await updated(managed.client, target.FunctionName)
      return await managed.client.send(new GetFunctionConfigurationCommand({ FunctionName: target.FunctionName }))
    }
    expect((await change(dead.arn)).DeadLetterConfig).toEqual({ TargetArn: dead.arn })
    await send(target, { fail: 'first' })
    expect((await receive(dead)).Body).toBe('{"fail":"first"}')
    expect((await change('')).DeadLetterConfig).toBeUndefined()
  })

  it.each([
    ['a queue that there is not', 'arn:aws:sqs:us-east-1:000000000000:nowhere', 'does not exist'],
    ['a FIFO queue', 'arn:aws:sqs:us-east-1:000000000000:some.fifo', 'is a FIFO queue, which is not supported'],
    ['a topic', 'arn:aws:sns:us-east-1:000000000000:topic', 'must be the ARN of an SQS queue of this host'],
    ['a queue elsewhere', 'arn:aws:sqs:us-east-1:123456789012:queue', 'must be the ARN of an SQS queue of this host'],
  ])('cannot go to %s', async (_, TargetArn, message) => {
    const input = await nodeFunction('never', SOURCE, { DeadLetterConfig: { TargetArn } })
    await expect(managed.client.send(new CreateFunctionCommand(input))).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: expect.stringContaining(message) as string,
    })
  })
})

describe('an asynchronous invocation that succeeds', () => {
  it('tells a queue what the function has answered', async () => {
    const done = await queue()
    const target = await fn({ DestinationConfig: { OnSuccess: { Destination: done.arn } } })
    const requestId = await send(target, { number: 1 })
    const record = await recordIn(done)
    expect(record).toMatchObject({
      requestContext: { requestId, condition: 'Success', approximateInvokeCount: 1 },
      requestPayload: { number: 1 },
      responseContext: { statusCode: 200, executedVersion: '$LATEST' },
      responsePayload: { answered: 1, filler: '' },
    })
    expect(record['responseContext']).not.toHaveProperty('functionError')
  })

  it('tells a queue of it without an answer that is too large', async () => {
    const done = await queue()
    const target = await fn({ DestinationConfig: { OnSuccess: { Destination: done.arn } } })
    await send(target, { filler: 1024 * 1024 })
    const record = await recordIn(done)
    expect(record).toMatchObject({ requestContext: { condition: 'Success' }, requestPayload: { filler: 1024 * 1024 } })
    expect(record).not.toHaveProperty('responsePayload')
  })

  it('tells a function the same', async () => {
    const next = await fn()
    const target = await fn({ DestinationConfig: { OnSuccess: { Destination: next.arn } } })
    await send(target, { number: 2 })
    await expect
      .poll(() => got(next), WAIT)
      .toMatchObject([{ requestContext: { condition: 'Success' }, responsePayload: { answered: 2 } }])
  })
})

describe('a throttled event', () => {
  it('waits, and that is not an attempt', async () => {
    const done = await queue()
    const target = await fn({ DestinationConfig: { OnSuccess: { Destination: done.arn } } })
    const { FunctionName } = target
    await managed.client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }))
    await send(target, { number: 3 })
    await managed.client.send(new DeleteFunctionConcurrencyCommand({ FunctionName }))
    expect(await recordIn(done)).toMatchObject({ requestContext: { condition: 'Success', approximateInvokeCount: 1 } })
  })
})

describe('functions that invoke each other without end', () => {
  const loop = async (dead: string): Promise<readonly [Made, Made]> => {
    const first = await fn({}, dead)
    const second = await fn({ DestinationConfig: { OnSuccess: { Destination: first.arn } } }, dead)
    const { FunctionName } = first
    const DestinationConfig = { OnSuccess: { Destination: second.arn } }
    await managed.client.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, DestinationConfig }))
    return [first, second]
  }

  it('are stopped after 16 times, and the last event is in the dead-letter queue', async () => {
    const dead = await queue()
    const [first, second] = await loop(dead.arn)
    await send(first, { number: 4 })
    const { MessageAttributes } = await receive(dead)
    expect(MessageAttributes).toMatchObject({ ErrorMessage: { StringValue: 'RecursiveLoopDetected' } })
    await expect.poll(async () => [(await got(first)).length, (await got(second)).length], WAIT).toEqual([16, 16])
  })

  it('go on where that is allowed', async () => {
    const dead = await queue()
    const [first, second] = await loop(dead.arn)
    for (const { FunctionName } of [first, second])
      await managed.client.send(new PutFunctionRecursionConfigCommand({ FunctionName, RecursiveLoop: 'Allow' }))
    await send(first, { number: 5 })
    await expect.poll(async () => (await got(second)).length, WAIT).toBeGreaterThan(17)
    // A record holds the one before, until it is nested too deep for a function.
    const { MessageAttributes } = await receive(dead)
    expect(MessageAttributes).toMatchObject({
      ErrorCode: { StringValue: '400' },
      ErrorMessage: { StringValue: expect.stringContaining('nested deeper than 64') as string },
    })
  })
})

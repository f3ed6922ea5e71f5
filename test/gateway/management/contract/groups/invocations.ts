import type { InvokeWithResponseStreamResponseEvent } from '@aws-sdk/client-lambda'
import { expect } from 'vitest'
import { create } from '../../host.ts'
import { lacks, refuses, step, works, type Group } from '../case.ts'
import { BASE } from '../code.ts'
import { PREFIX } from '../names.ts'
import { call } from '../run.ts'

const FunctionName = 'invoked'
const CLIENT = Buffer.from('{"custom":{"a":"b"}}').toString('base64')
const MIB = 1024 * 1024

/** JSON in an answer's payload. */
const holding = (part: object): unknown => ({
  asymmetricMatch: (payload: Uint8Array) =>
    expect.objectContaining(part).asymmetricMatch(JSON.parse(Buffer.from(payload).toString())),
})

const json = (value: unknown): string => JSON.stringify(value)

const BOTH = ['Invoke', 'InvokeWithResponseStream'] as const

export const invocations: Group = {
  title: 'invocations',
  async prepare(client) {
    await create(client, { ...BASE, FunctionName, Publish: true })
    await call(client, 'CreateAlias', { FunctionName, Name: 'live', FunctionVersion: '1' })
    await create(client, { ...BASE, FunctionName: 'closed' })
    await call(client, 'PutFunctionConcurrency', { FunctionName: 'closed', ReservedConcurrentExecutions: 0 })
    await call(client, 'CreateFunction', { ...BASE, FunctionName: 'broken', Handler: 'index.missing' })
  },
  cases: [
    works(
      'Invoke',
      'runs a function and answers with what it gave',
      { FunctionName, Payload: json({ a: 1 }), InvocationType: 'RequestResponse' },
      { StatusCode: 200, ExecutedVersion: '$LATEST', Payload: holding({ event: { a: 1 } }) },
    ),
    works(
      'Invoke',
      'runs what an alias leads to, with the client context, and gives the tail of the log',
      { FunctionName, Qualifier: 'live', LogType: 'Tail', ClientContext: CLIENT },
      {
        ExecutedVersion: '1',
        LogResult: expect.any(String),
        Payload: holding({ version: '1', arn: `${PREFIX}:function:invoked:live` }),
      },
    ),
    works('Invoke', 'accepts an event', { FunctionName, InvocationType: 'Event', Payload: json({}) }, { StatusCode: 202 }, 202),
    works('Invoke', 'runs nothing in a DryRun', { FunctionName, InvocationType: 'DryRun' }, { StatusCode: 204 }, 204),
    works(
      'Invoke',
      'tells that the function failed',
      { FunctionName, Payload: json({ fail: 'so' }) },
      { StatusCode: 200, FunctionError: 'Unhandled', Payload: holding({ errorType: 'RangeError', errorMessage: 'so' }) },
    ),
    works(
      'InvokeWithResponseStream',
      'answers in an event stream',
      {
        FunctionName,
        Qualifier: 'live',
        Payload: json({ a: 1 }),
        LogType: 'Tail',
        ClientContext: CLIENT,
        InvocationType: 'RequestResponse',
      },
      { StatusCode: 200, ExecutedVersion: '1', ResponseStreamContentType: 'application/vnd.amazon.eventstream' },
    ),
    step('reads the stream', async (_, seen) => {
      const events: InvokeWithResponseStreamResponseEvent[] = []
      for await (const event of seen.last('InvokeWithResponseStream').EventStream ?? []) events.push(event)
      checkStream(events)
    }),
    ...BOTH.flatMap((operation) => [
      refuses(
        operation,
        'ResourceNotFoundException',
        'a function that there is not',
        { FunctionName: 'none' },
        /^Function not found: arn:aws:lambda:us-east-1:000000000000:function:none$/,
      ),
      refuses(
        operation,
        'ResourceNotFoundException',
        'a version that there is not',
        { FunctionName, Qualifier: '9' },
        /^Function not found: \S+:invoked:9$/,
      ),
      refuses(
        operation,
        'InvalidParameterValueException',
        'two versions at once',
        { FunctionName: 'invoked:1', Qualifier: '2' },
        /^The derived qualifier from the function name does not match the specified qualifier\.$/,
      ),
      refuses(
        operation,
        'InvalidRequestContentException',
        'what is no JSON',
        { FunctionName, Payload: '{' },
        /^Could not parse request body into json: /,
      ),
      refuses(
        operation,
        'InvalidRequestContentException',
        'a client context that is none',
        { FunctionName, ClientContext: 'AAAA' },
        /^Client context must be a valid Base64-encoded JSON object/,
      ),
      refuses(operation, 'TooManyRequestsException', 'more at once than it has', { FunctionName: 'closed' }, /^Rate Exceeded\.$/),
      refuses(
        operation,
        'ValidationException',
        'a kind that there is not',
        { FunctionName, InvocationType: 'Later' },
        /Value 'Later' at 'invocationType' failed to satisfy constraint/,
      ),
      ...lacks(operation, { FunctionName }, { TenantId: 'tenant' }),
    ]),
    ...lacks('Invoke', { FunctionName }, { DurableExecutionName: 'name' }),
    refuses(
      'Invoke',
      'RequestTooLargeException',
      'an event over 1 MB',
      { FunctionName, InvocationType: 'Event', Payload: json('x'.repeat(MIB)) },
      /^Request must be smaller than 1048576 bytes/,
    ),
    refuses(
      'Invoke',
      'ResourceConflictException',
      'a function that could not be made',
      { FunctionName: 'broken' },
      /^The operation cannot be performed at this time\. The function is currently in the following state: /,
    ),
  ],
}

function checkStream(events: readonly InvokeWithResponseStreamResponseEvent[]): void {
  expect(events).toMatchObject([
    { PayloadChunk: { Payload: holding({ event: { a: 1 } }) } },
    { InvokeComplete: { LogResult: expect.any(String) as unknown } },
  ])
}

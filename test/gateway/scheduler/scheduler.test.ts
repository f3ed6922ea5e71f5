import {
  CreateScheduleCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  ListSchedulesCommand,
  SchedulerClient,
  UpdateScheduleCommand,
  type CreateScheduleCommandInput,
} from '@aws-sdk/client-scheduler'
import { CreateQueueCommand } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { logOf, logsClient, messages as linesOf } from '../logs/client.ts'
import { create, nodeFunction, removeFolders, startManaged, type ManagedHost } from '../management/host.ts'
import { sqsClient } from '../sqs/client.ts'

let managed: ManagedHost
let client: SchedulerClient
let logs: ReturnType<typeof logsClient>
beforeAll(async () => {
  managed = await startManaged({ lanes: 1 })
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }
  client = new SchedulerClient({ endpoint: managed.host.managementUrl ?? '', region: 'us-east-1', credentials, maxAttempts: 1 })
  logs = logsClient(managed.host.managementUrl ?? '')
  const log = `console.log('got ' + JSON.stringify(event))`
  await create(managed.client, await nodeFunction('handler', `export const handler = (event) => { ${log} }`))
  await create(
    managed.client,
    await nodeFunction('module', `export default { scheduled(event) { ${log} } }`, { Handler: 'index.default' }),
  )
  const sqs = sqsClient(managed)
  await sqs.send(new CreateQueueCommand({ QueueName: 'ticks' }))
  sqs.destroy()
})
afterAll(async () => {
  client.destroy()
  logs.destroy()
  await managed.stop()
  await removeFolders()
})

const WAIT = { timeout: 20_000, interval: 50 }
const RoleArn = 'arn:aws:iam::000000000000:role/any'
const arnOf = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`
const inSeconds = (seconds: number) => `at(${new Date(Date.now() + seconds * 1000).toISOString().slice(0, 19)})`

const input = (Name: string, more: Partial<CreateScheduleCommandInput> = {}): CreateScheduleCommandInput => ({
  Name,
  ScheduleExpression: 'rate(1 day)',
  StartDate: new Date(4_000_000_000_000),
  FlexibleTimeWindow: { Mode: 'OFF' },
  Target: { Arn: arnOf('handler'), RoleArn },
  ...more,
})

const got = async (name: string): Promise<readonly Record<string, unknown>[]> =>
  linesOf(await logOf(logs, name).catch(() => []))
    .flatMap((line) => /got (.*)/.exec(line)?.[1] ?? [])
    .map((text) => JSON.parse(text) as Record<string, unknown>)

describe('a schedule', () => {
  it('is created, shown, listed, changed and deleted', async () => {
    const Description = 'every day'
    const made = await client.send(new CreateScheduleCommand(input('daily', { Description, ClientToken: 'token' })))
    const ScheduleArn = 'arn:aws:scheduler:us-east-1:000000000000:schedule/default/daily'
    expect(made).toMatchObject({ ScheduleArn })
    expect(await client.send(new GetScheduleCommand({ Name: 'daily' }))).toMatchObject({
      Arn: ScheduleArn,
      Name: 'daily',
      GroupName: 'default',
      State: 'ENABLED',
      Description,
      ScheduleExpression: 'rate(1 day)',
      ScheduleExpressionTimezone: 'UTC',
      StartDate: new Date(4_000_000_000_000),
      FlexibleTimeWindow: { Mode: 'OFF' },
      ActionAfterCompletion: 'NONE',
      Target: { Arn: arnOf('handler'), RoleArn, RetryPolicy: { MaximumEventAgeInSeconds: 86_400 } },
      CreationDate: expect.any(Date) as Date,
    })
    await client.send(
      new UpdateScheduleCommand(
        input('daily', {
          ScheduleExpression: 'cron(0 6 ? * MON-FRI *)',
          ScheduleExpressionTimezone: 'Europe/Berlin',
          State: 'DISABLED',
          FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 15 },
          ActionAfterCompletion: 'DELETE',
          StartDate: undefined,
          Target: { Arn: arnOf('handler'), RoleArn, Input: '{"a":1}', RetryPolicy: { MaximumEventAgeInSeconds: 60 } },
        }),
      ),
    )
    const changed = await client.send(new GetScheduleCommand({ Name: 'daily', GroupName: 'default' }))
    expect(changed).toMatchObject({
      State: 'DISABLED',
      ScheduleExpressionTimezone: 'Europe/Berlin',
      FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 15 },
      ActionAfterCompletion: 'DELETE',
      Target: { Input: '{"a":1}', RetryPolicy: { MaximumEventAgeInSeconds: 60 } },
    })
    // An update replaces everything.
    expect([changed.Description, changed.StartDate]).toEqual([undefined, undefined])
    for (const name of ['more-1', 'more-2', 'other']) await client.send(new CreateScheduleCommand(input(name)))
    const page = await client.send(new ListSchedulesCommand({ NamePrefix: 'more', MaxResults: 1 }))
    expect(page.Schedules).toMatchObject([{ Name: 'more-1', Target: { Arn: arnOf('handler') } }])
    const last = await client.send(new ListSchedulesCommand({ NamePrefix: 'more', MaxResults: 1, NextToken: page.NextToken }))
    expect(last.Schedules?.map(({ Name }) => Name)).toEqual(['more-2'])
    expect(last.NextToken).toBeUndefined()
    const paused = await client.send(new ListSchedulesCommand({ State: 'DISABLED' }))
    expect(paused.Schedules?.map(({ Name }) => Name)).toEqual(['daily'])
    await expect(client.send(new CreateScheduleCommand(input('daily')))).rejects.toMatchObject({ name: 'ConflictException' })
    await client.send(new DeleteScheduleCommand({ Name: 'daily' }))
    for (const command of [
      new GetScheduleCommand({ Name: 'daily' }),
      new DeleteScheduleCommand({ Name: 'daily' }),
      new UpdateScheduleCommand(input('daily')),
    ])
      await expect(client.send(command as GetScheduleCommand)).rejects.toMatchObject({
        name: 'ResourceNotFoundException',
        message: 'Schedule daily does not exist.',
      })
  })

  it('runs a handler with the event of EventBridge, once, and is gone when it shall be', async () => {
    await client.send(
      new CreateScheduleCommand(
        input('soon', { ScheduleExpression: inSeconds(2), StartDate: undefined, ActionAfterCompletion: 'DELETE' }),
      ),
    )
    await expect
      .poll(() => got('handler'), WAIT)
      .toMatchObject([
        {
          'detail-type': 'Scheduled Event',
          time: expect.stringMatching(/^20\d\d-.*:\d\dZ$/) as string,
          resources: [expect.any(String)],
        },
      ])
    await expect(client.send(new GetScheduleCommand({ Name: 'soon' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })

  it("runs a module's scheduled", async () => {
    const ScheduleExpression = inSeconds(2)
    const Target = { Arn: arnOf('module'), RoleArn }
    await client.send(new CreateScheduleCommand(input('soon-module', { ScheduleExpression, StartDate: undefined, Target })))
    const scheduledTime = Date.parse(`${ScheduleExpression.slice(3, -1)}Z`)
    await expect
      .poll(() => got('module'), WAIT)
      .toMatchObject([{ schedule: 'soon-module', cron: ScheduleExpression, scheduledTime }])
  })

  it('runs a handler with its input', async () => {
    const Input = '{"arn":"<aws.scheduler.schedule-arn>","id":"<aws.scheduler.execution-id>"}'
    const Target = { Arn: arnOf('handler'), RoleArn, Input }
    await client.send(
      new CreateScheduleCommand(input('with-input', { ScheduleExpression: 'rate(1 hour)', StartDate: undefined, Target })),
    )
    await expect
      .poll(async () => (await got('handler')).find((event) => 'arn' in event), WAIT)
      .toEqual({
        arn: 'arn:aws:scheduler:us-east-1:000000000000:schedule/default/with-input',
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      })
  })

  it.each<[string, Partial<CreateScheduleCommandInput>, string]>([
    ['an expression that is none', { ScheduleExpression: 'cron(0 25 * * ? *)' }, '"25" in hours: values are from 0 to 23'],
    ['a moment that has passed', { ScheduleExpression: 'at(2020-01-01T00:00:00)' }, 'has no tick from now on'],
    ['a day that there is not', { ScheduleExpression: 'cron(0 0 31 2 ? *)' }, 'has no tick from now on'],
    ['a zone that there is not', { ScheduleExpressionTimezone: 'Mars/Olympus' }, '"Mars/Olympus" is no time zone'],
    ['an end before its start', { EndDate: new Date(1000) }, 'The EndDate must be after the StartDate'],
    ['a window without its length', { FlexibleTimeWindow: { Mode: 'FLEXIBLE' } }, 'MaximumWindowInMinutes must be given'],
    [
      'a window over a day',
      { FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 1441 } },
      'less than or equal to 1440',
    ],
    ['a function that there is not', { Target: { Arn: arnOf('nowhere'), RoleArn } }, 'does not exist'],
    ['a queue that there is not', { Target: { Arn: 'arn:aws:sqs:us-east-1:000000000000:no', RoleArn } }, 'does not exist'],
    [
      'another target',
      { Target: { Arn: 'arn:aws:ecs:us-east-1:000000000000:cluster/c', RoleArn } },
      'must be the ARN of a function',
    ],
    ['input that is no JSON', { Target: { Arn: arnOf('handler'), RoleArn, Input: '{' } }, 'must be JSON'],
    [
      'parameters of other targets',
      { Target: { Arn: arnOf('handler'), RoleArn, SqsParameters: {} } },
      '"SqsParameters" is not provided',
    ],
    ['a key of AWS', { KmsKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/k' }, '"KmsKeyArn" is not provided'],
    ['another group', { GroupName: 'others' }, 'There is no schedule group others'],
  ])('is refused with %s', async (_, more, message) => {
    await expect(client.send(new CreateScheduleCommand(input('bad', more)))).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining(message) as string,
      $metadata: { httpStatusCode: 400 },
    })
  })
})

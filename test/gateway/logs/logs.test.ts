import {
  DeleteLogGroupCommand,
  DeleteRetentionPolicyCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  PutRetentionPolicyCommand,
  type CloudWatchLogsClient,
} from '@aws-sdk/client-cloudwatch-logs'
import {
  AddPermissionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { create, invoke, nodeFunction, removeFolders, startManaged, type ManagedHost } from '../management/host.ts'
import { WAIT } from '../management/serve.ts'
import { kindsOf, logOf, logsClient, messages, raw } from './client.ts'

const SOURCE = `
export const handler = async (event) => {
  for (const line of event.log ?? []) console.log(line)
  if (event.fail) throw new RangeError(event.fail)
  if (event.spin) for (;;);
  if (event.waitMs) await new Promise((resolve) => setTimeout(resolve, event.waitMs))
  console.log('last of ' + (event.id ?? ''))
  return 'done'
}`

let managed: ManagedHost
let client: CloudWatchLogsClient
const make = async (name: string, more = {}) => create(managed.client, await nodeFunction(name, SOURCE, { Timeout: 1, ...more }))
beforeAll(async () => {
  managed = await startManaged()
  client = logsClient(managed.host.managementUrl ?? '')
})
afterAll(async () => {
  client.destroy()
  await managed.stop()
  await removeFolders()
})

describe('the log of a function', () => {
  it('has START, the lines, END and REPORT of an invocation as soon as it is answered, in a stream of its version', async () => {
    await make('plain')
    await invoke(managed.client, 'plain', { log: ['first', 'second'] })
    const events = await logOf(client, 'plain')
    expect(messages(events)).toEqual([
      expect.stringMatching(/^START RequestId: [\w-]{36} Version: \$LATEST$/),
      'first',
      'second',
      'last of ',
      expect.stringMatching(/^END RequestId: [\w-]{36}$/),
      expect.stringMatching(
        /^REPORT RequestId: [\w-]{36}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\tFuel Used: \d+\tRestore: [\d.]+ ms$/,
      ),
    ])
    expect((await kindsOf(managed, 'plain')).map(({ kind }) => kind)).toEqual([
      'start',
      'function',
      'function',
      'function',
      'end',
      'report',
    ])
    expect(new Set(events.map(({ logStreamName }) => logStreamName)).size).toBe(1)
    expect(events[0]?.logStreamName).toMatch(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/)
  })

  it('says why an invocation failed, and what it took all the same', async () => {
    await make('failing')
    await invoke(managed.client, 'failing', { fail: 'too far' })
    await invoke(managed.client, 'failing', { spin: true })
    const events = await kindsOf(managed, 'failing')
    const of = (wanted: string) => events.filter(({ kind }) => kind === wanted).map(({ message }) => message)
    const errors = of('error')
    expect(errors[0]).toMatch(
      /\tERROR\tInvoke Error\t\{"errorType":"RangeError","errorMessage":"too far","stack":\["RangeError: too far"/,
    )
    expect(errors[0]).toContain('/var/task/index.mjs:4')
    expect(errors[1]).toMatch(/^\S+ [\w-]{36} Task timed out after 1\.00 seconds$/)
    const reports = of('report')
    expect(reports[0]).not.toContain('Status')
    expect(reports[1]).toMatch(
      /Duration: \d{3,4}\.\d\d ms\tBilled Duration: \d{3,4} ms\t.*Fuel Used: [1-9]\d+\t.*\tStatus: timeout$/,
    )
  })

  it('has one invocation after the other in each stream, also when they run at once and on several lanes', async () => {
    await make('crowd')
    await Promise.all(
      Array.from({ length: 40 }, (_, id) => invoke(managed.client, 'crowd', { id, log: ['a', 'b'], waitMs: (id % 5) * 10 })),
    )
    const streams = Map.groupBy(await logOf(client, 'crowd'), ({ logStreamName }) => logStreamName)
    expect(streams.size).toBeGreaterThan(1)
    const ids: string[] = []
    for (const events of streams.values()) {
      const lines = messages(events)
      for (let at = 0; at < lines.length; at += 6) {
        const [start, a, b, last, end, report] = lines.slice(at, at + 6)
        const id = /^START RequestId: (\S+) /.exec(start ?? '')?.[1]
        expect([a, b, end]).toEqual(['a', 'b', `END RequestId: ${id}`])
        expect(report).toContain(`REPORT RequestId: ${id}\t`)
        ids.push(last ?? '')
      }
    }
    expect(ids.toSorted()).toEqual(Array.from({ length: 40 }, (_, id) => `last of ${id}`).toSorted())
  })

  it('has what runs already', async () => {
    await make('running')
    const running = invoke(managed.client, 'running', { log: ['begun'], waitMs: 900 })
    await expect.poll(() => logOf(client, 'running').then(messages, () => []), WAIT).toContain('begun')
    const before = await logOf(client, 'running')
    expect(messages(before)).toEqual([expect.stringMatching(/^START /), 'begun'])
    await running
    expect((await logOf(client, 'running')).slice(0, 2)).toEqual(before)
  })

  it('tells lines of the function from those that the host wrote', async () => {
    await make('forger')
    const log = [
      'START RequestId: forged Version: 7',
      'END RequestId: forged',
      'REPORT RequestId: forged\tBilled Duration: 0 ms',
      'a\nSTART RequestId: forged Version: 7',
    ]
    const { log: tail } = await invoke(managed.client, 'forger', { log }, { LogType: 'Tail' })
    const events = await kindsOf(managed, 'forger')
    const forged = events.filter(({ message }) => message.includes('forged'))
    expect(forged.map(({ kind }) => kind)).toEqual(forged.map(() => 'function'))
    expect(forged).toHaveLength(4)
    for (const text of [
      ...forged.map(({ message }) => message),
      ...(tail ?? '').split('\n').filter((line) => line.includes('forged')),
    ])
      expect(text).toMatch(/^ (?:START|END|REPORT) RequestId: forged/)
    for (const kind of ['start', 'end', 'report']) expect(events.filter((event) => event.kind === kind)).toHaveLength(1)
  })

  it('has what came by a function URL and asynchronously, and nothing of what was throttled', async () => {
    await make('ways')
    const { FunctionUrl = '' } = await managed.client.send(
      new CreateFunctionUrlConfigCommand({ FunctionName: 'ways', AuthType: 'NONE' }),
    )
    const allowed = {
      FunctionName: 'ways',
      StatementId: 'all',
      Action: 'lambda:InvokeFunctionUrl',
      Principal: '*',
      FunctionUrlAuthType: 'NONE',
    } as const
    await managed.client.send(new AddPermissionCommand(allowed))
    const urlId = /^http:\/\/([^.]+)\./.exec(FunctionUrl)?.[1] ?? ''
    expect((await fetch(`${managed.host.url}/_ampoule/url/${urlId}/`)).status).toBe(200)
    await invoke(managed.client, 'ways', { id: 'event' }, { InvocationType: 'Event' })
    await expect.poll(() => logOf(client, 'ways').then(messages), WAIT).toContain('last of event')
    await expect.poll(async () => (await kindsOf(managed, 'ways')).filter(({ kind }) => kind === 'report').length, WAIT).toBe(2)
    await managed.client.send(new PutFunctionConcurrencyCommand({ FunctionName: 'ways', ReservedConcurrentExecutions: 0 }))
    await expect(invoke(managed.client, 'ways')).rejects.toMatchObject({ name: 'TooManyRequestsException' })
    expect((await kindsOf(managed, 'ways')).filter(({ kind }) => kind === 'start')).toHaveLength(2)
  })

  it('stays when the function is deleted, until its group is', async () => {
    await make('gone')
    await invoke(managed.client, 'gone', { log: ['kept'] })
    await managed.client.send(new DeleteFunctionCommand({ FunctionName: 'gone' }))
    expect(messages(await logOf(client, 'gone'))).toContain('kept')
    await client.send(new DeleteLogGroupCommand({ logGroupName: '/aws/lambda/gone' }))
    await expect(logOf(client, 'gone')).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })

  it('is of that function alone', async () => {
    await Promise.all([make('one'), make('one-more')])
    await Promise.all([invoke(managed.client, 'one', { id: 'one' }), invoke(managed.client, 'one-more', { id: 'more' })])
    expect(messages(await logOf(client, 'one')).join('\n')).not.toContain('last of more')
    expect(messages(await logOf(client, 'one-more')).join('\n')).not.toContain('last of one')
  })
})

describe('FilterLogEvents', () => {
  beforeAll(async () => {
    await make('filtered')
    await Promise.all(
      Array.from({ length: 8 }, (_, id) =>
        invoke(managed.client, 'filtered', { id, log: ['{"level":"warn","ms":12}', 'plain error'] }),
      ),
    )
  })

  it('gives every event once and in the order of time, however small the pages are', async () => {
    const all = await logOf(client, 'filtered')
    expect(all).toHaveLength(8 * 6)
    expect(all.map(({ timestamp }) => timestamp)).toEqual(all.map(({ timestamp }) => timestamp).toSorted((a, b) => a - b))
    expect(new Set(all.map(({ eventId }) => eventId)).size).toBe(all.length)
    expect(await logOf(client, 'filtered', { limit: 5 })).toEqual(all)
  })

  it.each([
    ['error', 8],
    ['"plain error"', 8],
    ['?warn ?error', 16],
    ['-RequestId -error -last', 8],
    ['{ $.level = "warn" && $.ms > 10 }', 8],
    ['{ $.level = "info" }', 0],
  ])('takes the pattern %s', async (filterPattern, count) => {
    expect(await logOf(client, 'filtered', { filterPattern })).toHaveLength(count)
  })

  it('takes a range of time, and streams by name and by prefix', async () => {
    const all = await logOf(client, 'filtered')
    const [first, last] = [all[0]!, all.at(-1)!]
    expect(await logOf(client, 'filtered', { startTime: last.timestamp + 1 })).toEqual([])
    expect(await logOf(client, 'filtered', { endTime: first.timestamp })).toEqual(
      all.filter(({ timestamp }) => timestamp === first.timestamp),
    )
    const own = all.filter(({ logStreamName }) => logStreamName === first.logStreamName)
    expect(await logOf(client, 'filtered', { logStreamNames: [first.logStreamName] })).toEqual(own)
    expect(await logOf(client, 'filtered', { logStreamNamePrefix: first.logStreamName })).toEqual(own)
    expect(await logOf(client, 'filtered', { logStreamNamePrefix: '1999/' })).toEqual([])
  })

  it('tells versions apart', async () => {
    await managed.client.send(new PublishVersionCommand({ FunctionName: 'filtered' }))
    await invoke(managed.client, 'filtered', { id: 'published' }, { Qualifier: '1' })
    const { body } = await raw(
      managed,
      'FilterLogEvents',
      JSON.stringify({ logGroupName: '/aws/lambda/filtered', versions: ['1'] }),
    )
    expect((body['events'] as { message: string }[]).map(({ message }) => message.split(' RequestId: ')[0])).toEqual([
      'START',
      'last of published',
      'END',
      'REPORT',
    ])
    expect(body['events']).toMatchObject([{ message: expect.stringMatching(/ Version: 1$/) as string }, {}, {}, {}])
  })
})

describe('GetLogEvents', () => {
  it('pages through a stream in both directions, and stays where there is nothing more', async () => {
    await make('paged')
    for (let id = 0; id < 4; id++) await invoke(managed.client, 'paged', { id })
    const streams = Map.groupBy(await logOf(client, 'paged'), ({ logStreamName }) => logStreamName)
    for (const [logStreamName, events] of streams) {
      const read = async (more: object) =>
        client.send(new GetLogEventsCommand({ logGroupName: '/aws/lambda/paged', logStreamName, limit: 3, ...more }))
      const collect = async (direction: 'nextForwardToken' | 'nextBackwardToken', startFromHead: boolean) => {
        const found: (string | undefined)[][] = []
        let page = await read({ startFromHead })
        for (;;) {
          found.push((page.events ?? []).map(({ message }) => message))
          const next = await read({ nextToken: page[direction] })
          if (next[direction] === page[direction]) break
          page = next
        }
        return direction === 'nextForwardToken' ? found.flat() : found.toReversed().flat()
      }
      expect(await collect('nextForwardToken', true)).toEqual(messages(events))
      expect(await collect('nextBackwardToken', false)).toEqual(messages(events))
    }
  })
})

describe('DescribeLogStreams and DescribeLogGroups', () => {
  it('give all in order and in pages', async () => {
    await make('described')
    await Promise.all(Array.from({ length: 6 }, () => invoke(managed.client, 'described', { waitMs: 50 })))
    const read = async (more: object) => {
      const names: (string | undefined)[] = []
      const times: (number | undefined)[] = []
      let nextToken: string | undefined
      do {
        const page = await client.send(
          new DescribeLogStreamsCommand({ logGroupName: '/aws/lambda/described', limit: 2, ...more, nextToken }),
        )
        for (const { logStreamName, lastEventTimestamp } of page.logStreams ?? []) {
          names.push(logStreamName)
          times.push(lastEventTimestamp)
        }
        ;({ nextToken } = page)
      } while (nextToken !== undefined)
      return { names, times }
    }
    const { names } = await read({})
    expect(names.length).toBeGreaterThan(2)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toEqual(names.toSorted((a = '', b = '') => (a < b ? -1 : 1)))
    expect((await read({ descending: true })).names).toEqual(names.toReversed())
    const byTime = await read({ orderBy: 'LastEventTime', descending: true })
    expect(byTime.times).toEqual(byTime.times.toSorted((a = 0, b = 0) => b - a))
    expect(new Set(byTime.names)).toEqual(new Set(names))
    const groups = await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/aws/lambda/descr' }))
    expect(groups.logGroups).toMatchObject([
      { logGroupName: '/aws/lambda/described', arn: 'arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/described:*' },
    ])
    expect(groups.logGroups?.[0]?.storedBytes).toBeGreaterThan(0)
  })

  it('give and forget a retention', async () => {
    await make('retained')
    await invoke(managed.client, 'retained')
    const logGroupName = '/aws/lambda/retained'
    const days = async () => {
      await invoke(managed.client, 'retained')
      const { logGroups } = await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: logGroupName }))
      return logGroups?.[0]?.retentionInDays
    }
    expect(await days()).toBeUndefined()
    await client.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays: 30 }))
    expect(await days()).toBe(30)
    await client.send(new DeleteRetentionPolicyCommand({ logGroupName }))
    expect(await days()).toBeUndefined()
    await expect(client.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays: 2 }))).rejects.toMatchObject({
      name: 'InvalidParameterException',
    })
  })
})

describe('the API of logs', () => {
  it.each([
    [
      'a group that there is not',
      new FilterLogEventsCommand({ logGroupName: '/aws/lambda/nowhere' }),
      'ResourceNotFoundException',
    ],
    [
      'a stream that there is not',
      new GetLogEventsCommand({ logGroupName: '/aws/lambda/filtered', logStreamName: 'nowhere' }),
      'ResourceNotFoundException',
    ],
    ['a name that is none', new FilterLogEventsCommand({ logGroupName: 'a b' }), 'InvalidParameterException'],
    ['no name', new FilterLogEventsCommand({}), 'InvalidParameterException'],
    ['a limit beyond the bounds', new FilterLogEventsCommand({ logGroupName: 'a', limit: 10_001 }), 'InvalidParameterException'],
    [
      'a token that is not from here',
      new FilterLogEventsCommand({ logGroupName: 'a', nextToken: 'AAAA' }),
      'InvalidParameterException',
    ],
    [
      'a pattern that is not closed',
      new FilterLogEventsCommand({ logGroupName: '/aws/lambda/filtered', filterPattern: '"a' }),
      'InvalidParameterException',
    ],
    [
      'a regular expression',
      new FilterLogEventsCommand({ logGroupName: '/aws/lambda/filtered', filterPattern: '%a+%' }),
      'InvalidParameterException',
    ],
    [
      'a time that ends before it begins',
      new FilterLogEventsCommand({ logGroupName: 'a', startTime: 2, endTime: 1 }),
      'InvalidParameterException',
    ],
    [
      'streams by name and by prefix',
      new FilterLogEventsCommand({ logGroupName: 'a', logStreamNames: ['a'], logStreamNamePrefix: 'a' }),
      'InvalidParameterException',
    ],
    [
      'streams by time and by prefix',
      new DescribeLogStreamsCommand({ logGroupName: 'a', orderBy: 'LastEventTime', logStreamNamePrefix: 'a' }),
      'InvalidParameterException',
    ],
  ])('refuses %s', async (_, command, name) => {
    await expect(client.send(command as FilterLogEventsCommand)).rejects.toMatchObject({
      name,
      $metadata: { httpStatusCode: 400 },
    })
  })

  it('refuses by name what it does not have', async () => {
    for (const operation of ['PutLogEvents', 'StartLiveTail'])
      expect(await raw(managed, operation, '{}')).toMatchObject({
        status: 400,
        type: 'application/x-amz-json-1.1',
        body: { __type: 'UnknownOperationException', message: expect.stringContaining(`"${operation}"`) as string },
      })
    expect(await raw(managed, 'FilterLogEvents', '{"logGroupName":"a","filterPatern":"x"}')).toMatchObject({
      status: 400,
      body: { __type: 'InvalidParameterException', message: expect.stringContaining('Did you mean "filterPattern"?') as string },
    })
    expect((await raw(managed, 'FilterLogEvents', '[')).body).toMatchObject({ __type: 'SerializationException' })
  })

  it('is closed to web pages', async () => {
    expect(await raw(managed, 'DescribeLogGroups', '{}', { origin: 'https://evil.example' })).toMatchObject({ status: 403 })
    expect(await raw(managed, 'DescribeLogGroups', '{}', { 'content-type': 'text/plain' })).toMatchObject({ status: 415 })
  })
})

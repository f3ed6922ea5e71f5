import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  GetEventSourceMappingCommand,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda'
import { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler'
import { GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs'
import { afterAll, describe, expect, it } from 'vitest'
import { startHost } from '../../../src/host.ts'
import { run } from '../../cli/ampoule.ts'
import { sqsClient } from '../sqs/client.ts'
import { removeFolders, startManaged, temporaryFolder } from './host.ts'
import { serve, WAIT } from './serve.ts'

afterAll(removeFolders)

const SOURCE = `export default {
  queue: (batch) => console.log('ran ' + batch.messages[0].text()),
  stream: (batch) => console.log('ran ' + batch.records[0].text()),
  scheduled: ({ schedule }) => console.log('ran ' + schedule),
}`

async function folderWith(functions: object): Promise<string> {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'fn.js'), SOURCE)
  await configure(folder, functions)
  return folder
}

const configure = (folder: string, functions: object) => writeFile(join(folder, 'ampoule.jsonc'), JSON.stringify({ functions }))

const fn = (more: object) => ({ source: 'fn.js', engine: 'quickjs', ...more })

/** Of its management API. */
describe('a function of ampoule.jsonc that declares what it gets', () => {
  it('gets the messages of its queue, the records of its stream, and ticks', async () => {
    const folder = await folderWith({ all: fn({ queue: 'jobs', stream: 'clicks', schedule: '0 6 * * *' }) })
    const host = await serve(join(folder, 'data'), ['--config', join(folder, 'ampoule.jsonc')])
    const { endpoint } = host
    const post = (path: string, body: object) =>
      fetch(new URL(path, endpoint), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    await post('/queues/jobs/messages', { body: 'message' })
    await post('/streams/clicks/records', { key: 'k', data: 'record' })
    await post('/schedules/all/run', {})
    await expect.poll(() => host.ran().toSorted(), WAIT).toEqual(['all', 'message', 'record'])
    await host.kill('SIGTERM')
  })

  it('keeps what was changed of it, and loses what it declares no more, but for the queue', async () => {
    const folder = await folderWith({ a: fn({ queue: 'jobs', schedule: '0 6 * * *', timeoutMs: 60_000 }) })
    const config = join(folder, 'ampoule.jsonc')
    const dataDir = join(folder, 'data')
    const first = await startManaged({ config, dataDir })
    const { EventSourceMappings = [] } = await first.client.send(new ListEventSourceMappingsCommand({}))
    expect(EventSourceMappings).toMatchObject([
      { EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:jobs', State: 'Enabled', BatchSize: 10 },
    ])
    const UUID = EventSourceMappings[0]?.UUID
    await first.client.send(new UpdateEventSourceMappingCommand({ UUID, BatchSize: 5, FunctionName: 'a' }))
    await expect(first.client.send(new UpdateEventSourceMappingCommand({ UUID, FunctionName: 'nobody' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
    const sqs = sqsClient(first)
    const QueueUrl = `${first.host.managementUrl ?? ''}/000000000000/jobs`
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['VisibilityTimeout'] }))
    expect(Attributes).toEqual({ VisibilityTimeout: '60' })
    sqs.destroy()
    await first.stop()

    const second = await startManaged({ config, dataDir })
    expect(await second.client.send(new GetEventSourceMappingCommand({ UUID }))).toMatchObject({ BatchSize: 5 })
    await second.stop()

    await configure(folder, { a: fn({}) })
    const third = await startManaged({ config, dataDir })
    expect((await third.client.send(new ListEventSourceMappingsCommand({}))).EventSourceMappings).toEqual([])
    const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }
    const scheduler = new SchedulerClient({
      endpoint: third.host.managementUrl ?? '',
      region: 'us-east-1',
      credentials,
      maxAttempts: 1,
    })
    await expect(scheduler.send(new GetScheduleCommand({ Name: 'a' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
    scheduler.destroy()
    const kept = sqsClient(third)
    await kept.send(new SendMessageCommand({ QueueUrl, MessageBody: 'stays' }))
    kept.destroy()
    await third.stop()
  })

  it('can be given messages by the API, too', async () => {
    const folder = await folderWith({ a: fn({}) })
    const host = await serve(join(folder, 'data'), ['--config', join(folder, 'ampoule.jsonc')])
    const env = { AMPOULE_ENDPOINT: host.endpoint }
    for (const line of ['queue create jobs', 'trigger create a jobs', 'queue send jobs message'])
      expect(await run(line.split(' '), { env })).toMatchObject({ code: 0 })
    await expect.poll(host.ran, WAIT).toEqual(['message'])
    await expect.poll(async () => (await run(['trigger', 'list'], { env })).stdout, WAIT).toMatch(/ a +jobs +at work +10 +OK\n/)
    await host.kill('SIGTERM')
  })

  it.each([
    [{ queue: 'no such/name' }, 'functions.a.queue: The queue name no such/name must have'],
    [{ stream: 'a b' }, "functions.a.stream: 1 validation error detected: Value 'a b' at 'StreamName'"],
    [{ schedule: 'sometimes' }, 'functions.a.schedule: "sometimes" is no cron'],
  ])('is refused with %j', async (more, message) => {
    const folder = await folderWith({ a: fn(more) })
    await expect(startManaged({ config: join(folder, 'ampoule.jsonc'), dataDir: join(folder, 'data') })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining(message) as string,
    })
  })

  it('needs a data folder', async () => {
    const folder = await folderWith({ a: fn({ schedule: '@daily' }) })
    await expect(startHost({ config: join(folder, 'ampoule.jsonc'), port: 0 })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: 'functions.a.schedule needs a data folder: set dataDir in ampoule.jsonc, or serve with --data DIR',
    })
  })
})

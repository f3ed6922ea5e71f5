import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateEventSourceMappingCommand, InvokeCommand } from '@aws-sdk/client-lambda'
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  create,
  invoke,
  nodeFunction,
  removeFolders,
  startManaged,
  temporaryFolder,
  updated,
  type ManagedHost,
} from './management/host.ts'
import { sqsClient } from './sqs/client.ts'

const MODULE = `export default {
  async fetch(request, env, ctx) {
    const { queue = 'out', fail } = Object.fromEntries(new URL(request.url).searchParams)
    ctx.send(queue, { path: new URL(request.url).pathname, text: 'größe 🙂' }, { attributes: { kind: 'http' } })
    ctx.send(queue, 'second')
    if (fail) throw new Error('after it has sent')
    return new Response('sent', { headers: { 'x-own': 'kept' } })
  },
  queue(batch, env, ctx) {
    for (const message of batch.messages) ctx.send('out', 'of ' + message.text())
  },
}`

let managed: ManagedHost
let sqs: SQSClient
let made = 0
beforeAll(async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'fn.js'), MODULE)
  const functions = {
    starling: { source: 'fn.js', sends: 'out, missing' },
    quick: { source: 'fn.js', engine: 'quickjs', sends: 'out', queue: 'in' },
    none: { source: 'fn.js' },
  }
  await writeFile(join(folder, 'ampoule.jsonc'), JSON.stringify({ functions }))
  managed = await startManaged({ dataDir: join(folder, 'data'), config: join(folder, 'ampoule.jsonc'), dev: true })
  sqs = sqsClient(managed)
  await sqs.send(new CreateQueueCommand({ QueueName: 'out' }))
})
afterAll(async () => {
  sqs.destroy()
  await managed.stop()
  await removeFolders()
})

const url = (queue: string) => `${managed.host.managementUrl}/000000000000/${queue}`
/** Takes everything from the queue. */
const sent = async (): Promise<{ Body?: string | undefined; kind: string | undefined }[]> => {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: url('out'),
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      VisibilityTimeout: 600,
    }),
  )
  return Messages.map(({ Body, MessageAttributes }) => ({ Body, kind: MessageAttributes?.['kind']?.StringValue }))
}
const get = async (path: string) => {
  const answer = await fetch(`${managed.host.url}${path}`)
  return { status: answer.status, headers: [...answer.headers.keys()], body: await answer.text() }
}

describe('a function that is granted a queue', () => {
  it.each(['starling', 'quick'])('has sent when it has answered over HTTP (%s)', async (name) => {
    const { status, body, headers } = await get(`/${name}/path`)
    expect({ status, body }).toEqual({ status: 200, body: 'sent' })
    expect(headers).toContain('x-own')
    expect(headers).not.toContain('x-ampoule-sent')
    expect(await sent()).toEqual([
      { Body: JSON.stringify({ path: '/path', text: 'größe 🙂' }), kind: 'http' },
      { Body: 'second', kind: undefined },
    ])
  })

  it.each(['starling', 'quick'])('sends nothing when it fails (%s)', async (name) => {
    expect((await get(`/${name}/?fail=1`)).status).toBe(502)
    expect(await sent()).toEqual([])
  })

  it('sends from a batch of another queue', async () => {
    await sqs.send(new SendMessageCommand({ QueueUrl: url('in'), MessageBody: 'first' }))
    await expect.poll(sent, { timeout: 20_000 }).toEqual([{ Body: 'of first', kind: undefined }])
  })

  it('fails, and sends nothing, where a queue of it is not there', async () => {
    const { status, body } = await get('/starling/?queue=missing')
    expect(status).toBe(502)
    expect(body).toContain('There is no queue missing')
    expect(await sent()).toEqual([])
  })

  it.each(['starling', 'quick', 'none'])('throws where it sends to another one (%s)', async (name) => {
    const { status, body } = await get(`/${name}/?queue=secret`)
    expect(status).toBe(502)
    expect(body).toContain('may not send to the queue')
  })
})

describe('a managed function', () => {
  const source = `export const handler = async (event, context) => {
  for (const record of event.Records ?? [{ body: 'invoked' }]) context.send(event.queue ?? 'out', 'from ' + record.body)
  return 'done'
}`
  const make = async (more: object) => {
    const name = `sender-${made++}`
    await create(managed.client, { ...(await nodeFunction(name, source)), ...more })
    return name
  }

  const GRANTED = { Environment: { Variables: { AMPOULE_SENDS: 'out other' } } }

  it('sends when it is granted, also by a field of the API', async () => {
    const name = await make({})
    const path = `/2015-03-31/functions/${name}/configuration`
    const answer = await fetch(`${managed.host.managementUrl}${path}`, {
      method: 'PUT',
      body: JSON.stringify({ Sends: ['out'] }),
      headers: { 'content-type': 'application/json' },
    })
    expect(await answer.json()).toMatchObject({ Sends: ['out'] })
    await updated(managed.client, name)
    expect(await invoke(managed.client, name, {})).toMatchObject({ value: 'done' })
    expect(await sent()).toEqual([{ Body: 'from invoked', kind: undefined }])
    await managed.client.send(new InvokeCommand({ FunctionName: name, InvocationType: 'Event', Payload: '{}' }))
    await expect.poll(sent, { timeout: 20_000 }).toHaveLength(1)
  })

  it('sends from a batch', async () => {
    const name = await make(GRANTED)
    const QueueName = `source-${made++}`
    await sqs.send(new CreateQueueCommand({ QueueName }))
    const EventSourceArn = `arn:aws:sqs:us-east-1:000000000000:${QueueName}`
    await managed.client.send(new CreateEventSourceMappingCommand({ FunctionName: name, EventSourceArn }))
    await sqs.send(new SendMessageCommand({ QueueUrl: url(QueueName), MessageBody: 'batch' }))
    await expect.poll(sent, { timeout: 20_000 }).toEqual([{ Body: 'from batch', kind: undefined }])
  })

  it('is cut where it would go on sending to itself', async () => {
    const QueueName = `loop-${made++}`
    await sqs.send(new CreateQueueCommand({ QueueName, Attributes: { VisibilityTimeout: '600' } }))
    const name = `looping-${made++}`
    const loop = `export const handler = async (event, context) => {
  context.send('${QueueName}', String(Number(event.Records[0].body) + 1))
  context.send('out', event.Records[0].body)
}`
    await create(managed.client, {
      ...(await nodeFunction(name, loop)),
      Environment: { Variables: { AMPOULE_SENDS: `out ${QueueName}` } },
    })
    const EventSourceArn = `arn:aws:sqs:us-east-1:000000000000:${QueueName}`
    await managed.client.send(new CreateEventSourceMappingCommand({ FunctionName: name, EventSourceArn, BatchSize: 1 }))
    await sqs.send(new SendMessageCommand({ QueueUrl: url(QueueName), MessageBody: '0' }))
    const got: (string | undefined)[] = []
    const settled = async () => {
      const more = await sent()
      got.push(...more.map(({ Body }) => Body))
      return more.length === 0 && got.length > 10
    }
    await expect.poll(settled, { timeout: 20_000, interval: 500 }).toBe(true)
    expect(got).toEqual(Array.from({ length: 16 }, (_, index) => String(index)))
  })

  it('may send nowhere by default, and not to what is no name', async () => {
    const name = await make({})
    const { error, value } = await invoke(managed.client, name, {})
    expect(error).toBe('Unhandled')
    expect(value).toMatchObject({ errorMessage: expect.stringContaining('it may send to none') as string })
    await expect(make({ Environment: { Variables: { AMPOULE_SENDS: 'no/name' } } })).rejects.toMatchObject({
      message: '"no/name" in AMPOULE_SENDS is no name of a queue',
    })
  })
})

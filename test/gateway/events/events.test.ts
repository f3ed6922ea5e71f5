import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateEventSourceMappingCommand, UpdateEventSourceMappingCommand } from '@aws-sdk/client-lambda'
import { CloudEvent, emitterFor, httpTransport, Mode } from 'cloudevents'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../cli/ampoule.ts'
import { logOf, logsClient, messages } from '../logs/client.ts'
import { create, nodeFunction, removeFolders, startManaged, temporaryFolder, type ManagedHost } from '../management/host.ts'

const BUS = 'arn:aws:events:us-east-1:000000000000:event-bus/default'
const GOT = `export const handler = async (event) => console.log('got ' + JSON.stringify(event))`
const WAIT = { timeout: 20_000, interval: 50 }

let managed: ManagedHost
let logs: ReturnType<typeof logsClient>
beforeAll(async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'fn.js'), GOT)
  const functions = { declared: { source: 'fn.js', events: 'declared.*, other' } }
  await writeFile(join(folder, 'ampoule.jsonc'), JSON.stringify({ functions }))
  managed = await startManaged({ dataDir: join(folder, 'data'), config: join(folder, 'ampoule.jsonc') })
  logs = logsClient(managed.host.managementUrl ?? '')
})
afterAll(async () => {
  logs.destroy()
  await managed.stop()
  await removeFolders()
})

let made = 0

/** A function that gets what fits one of the patterns, and what it has got. */
async function consumer(...patterns: readonly object[]) {
  const name = `consumer-${made++}`
  await create(managed.client, await nodeFunction(name, GOT))
  const Filters = patterns.map((pattern) => ({ Pattern: JSON.stringify(pattern) }))
  const { UUID } = await managed.client.send(
    new CreateEventSourceMappingCommand({ FunctionName: name, EventSourceArn: BUS, FilterCriteria: { Filters } }),
  )
  const got = async () =>
    messages(await logOf(logs, name)).flatMap((line) => {
      const [, json] = /got (.*)/.exec(line) ?? []
      return json === undefined ? [] : [JSON.parse(json) as Record<string, unknown>]
    })
  return { name, UUID, got }
}

const url = () => `${managed.host.managementUrl}/events`
const post = async (headers: Record<string, string>, body: string | Uint8Array<ArrayBuffer> = '') => {
  const response = await fetch(url(), { method: 'POST', headers, body })
  return { status: response.status, body: (await response.json()) as { invocations?: object[]; message?: string } }
}
const STRUCTURED = { 'content-type': 'application/cloudevents+json' }
const event = (more: object) => JSON.stringify({ specversion: '1.0', id: '1', source: '/test', type: 'x', ...more })

describe('CloudEvents posted to /events', () => {
  it.each([Mode.STRUCTURED, Mode.BINARY])('by the CloudEvents SDK reach the functions that want them (%s)', async (mode) => {
    const { got } = await consumer({ type: [`order.${mode}`], data: { amount: [{ numeric: ['>', 10] }] } })
    const emit = emitterFor(httpTransport(url()), { mode })
    const send = (data: object) => emit(new CloudEvent({ type: `order.${mode}`, source: '/shop', subject: 'größe', data }))
    await send({ amount: 5 })
    await send({ amount: 50, note: '🙂' })
    await expect
      .poll(got, WAIT)
      .toMatchObject([
        { specversion: '1.0', type: `order.${mode}`, source: '/shop', subject: 'größe', data: { amount: 50, note: '🙂' } },
      ])
  })

  it('come in batches, and each function gets its own', async () => {
    const [first, both] = [await consumer({ type: ['b.first'] }), await consumer({ type: [{ prefix: 'b.' }] }, { id: ['never'] })]
    const batch = ['b.first', 'b.second', 'c'].map((type) => new CloudEvent({ type, source: '/shop', id: type }))
    const headers = { 'content-type': 'application/cloudevents-batch+json' }
    const { status, body } = await post(headers, JSON.stringify(batch))
    expect({ status, body }).toMatchObject({
      status: 202,
      body: {
        invocations: expect.arrayContaining([
          expect.objectContaining({ id: 'b.first', function: first.name }),
          expect.objectContaining({ id: 'b.first', function: both.name }),
          expect.objectContaining({ id: 'b.second', function: both.name }),
        ]) as object[],
      },
    })
    expect(body.invocations).toHaveLength(3)
    await expect
      .poll(async () => (await both.got()).map(({ id }) => id), WAIT)
      .toEqual(expect.arrayContaining(['b.first', 'b.second']))
    await expect.poll(async () => (await first.got()).map(({ id }) => id), WAIT).toEqual(['b.first'])
  })

  it.each([
    ['text/plain', 'words', { data: 'words' }],
    ['application/xml', '<a/>', { data: '<a/>' }],
    ['application/vnd.x+json', '{"a":1}', { data: { a: 1 } }],
    ['application/octet-stream', new Uint8Array([255, 0]), { data_base64: '/wA=' }],
    ['text/plain', new Uint8Array([255, 0]), { data_base64: '/wA=' }],
  ])('have data of the type %s in the binary mode', async (type, data, expected) => {
    const { got } = await consumer({ source: [`/binary/${made}`] })
    const headers = {
      'content-type': type,
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-type': 't',
      'ce-source': `/binary/${made - 1}`,
    }
    expect((await post(headers, data)).status).toBe(202)
    await expect
      .poll(got, WAIT)
      .toEqual([{ specversion: '1.0', id: '1', type: 't', source: `/binary/${made - 1}`, datacontenttype: type, ...expected }])
  })

  it('are nobody’s while their mapping is disabled', async () => {
    const { UUID } = await consumer({ type: ['paused'] })
    await managed.client.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }))
    expect(await post(STRUCTURED, event({ type: 'paused' }))).toEqual({ status: 202, body: { invocations: [] } })
  })

  it('reach a function of ampoule.jsonc by their type', async () => {
    for (const [type, count] of [
      ['declared.a', 1],
      ['other', 1],
      ['others', 0],
    ] as const)
      // prettier-ignore
      expect((await post(STRUCTURED, event({ type }))).body.invocations).toHaveLength(count)
  })

  it('are wired and shown by the command line', async () => {
    const env = { AMPOULE_ENDPOINT: managed.host.managementUrl ?? '' }
    await create(managed.client, await nodeFunction('by-cli', GOT))
    expect(await run(['trigger', 'create', 'by-cli', '--events', '--filter', '{"type":["cli"]}'], { env })).toMatchObject({
      code: 0,
    })
    expect((await run(['trigger', 'list', 'by-cli'], { env })).stdout).toMatch(/by-cli +\(events\) +at work/)
    expect((await post(STRUCTURED, event({ type: 'cli' }))).body.invocations).toMatchObject([{ function: 'by-cli' }])
    const wrong = await run(['trigger', 'create', 'by-cli', '--events', '--batch-size', '5'], { env })
    expect(wrong.stderr).toContain('--batch-size does not go with --events')
  })

  it.each([
    [STRUCTURED, '{', 400, 'The body is not JSON'],
    [STRUCTURED, '[]', 400, 'The event must be a JSON object'],
    [STRUCTURED, event({ id: '' }), 400, 'The event has no id'],
    [STRUCTURED, event({ specversion: '0.3' }), 400, 'The event has the specversion "0.3": it must be "1.0".'],
    [STRUCTURED, event({ time: 'noon' }), 400, 'The event has the time "noon"'],
    [STRUCTURED, event({ Upper: 1 }), 400, 'the attribute "Upper": names of attributes are lower-case'],
    [STRUCTURED, event({ nested: {} }), 400, 'the attribute nested must be a string, an integer or a boolean'],
    [STRUCTURED, event({ data: 1, data_base64: 'YQ==' }), 400, 'both data and data_base64'],
    [STRUCTURED, event({ data_base64: '?' }), 400, 'data_base64 is not base64'],
    [STRUCTURED, event({ data: 'x'.repeat(1_048_576) }), 413, 'the limit is 1048576'],
    [{ 'content-type': 'application/cloudevents-batch+json' }, '{}', 400, 'A batch must be a JSON array'],
    [
      { 'content-type': 'application/cloudevents-batch+json' },
      `[${event({})},{}]`,
      400,
      'Event 1 of the batch has no specversion',
    ],
    [{ 'content-type': 'application/cloudevents+avro' }, 'x', 415, 'application/cloudevents+avro is not supported'],
    [{ 'content-type': 'application/json' }, '{}', 400, 'The request is no CloudEvent'],
    [{ 'ce-specversion': '1.0', 'ce-id': '1', 'ce-type': 't' }, '', 400, 'The event has no source'],
    [{ 'ce-specversion': '1.0', 'ce-data': '1' }, '', 400, 'The header ce-data is no attribute'],
    [{ 'ce-specversion': '1.0', 'ce-id': '%' }, '', 400, 'The header ce-id is not percent-encoded'],
  ])('that are none are refused, with what is wrong (%j %#)', async (headers, body, status, message) => {
    const answer = await post(headers, body)
    expect(answer.status).toBe(status)
    expect(answer.body.message).toContain(message)
  })

  it('need no batches: settings of those are refused', async () => {
    await create(managed.client, await nodeFunction('batches', GOT))
    const command = new CreateEventSourceMappingCommand({ FunctionName: 'batches', EventSourceArn: BUS, BatchSize: 5 })
    await expect(managed.client.send(command)).rejects.toMatchObject({
      message: `Unsupported parameter BatchSize for the event source ${BUS}`,
    })
  })
})

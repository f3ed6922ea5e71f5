import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { InvokeWithResponseStreamCommand, type InvokeWithResponseStreamCommandInput } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { create, invoke, nodeFunction, removeFolders, startManaged, type ManagedHost } from './host.ts'

const SOURCE = `
export const handler = async (event, context) => {
  if (event.fail) throw new RangeError(event.fail)
  if (event.spin) for (;;);
  if (event.hang) await new Promise((resolve) => setTimeout(resolve, 60_000))
  if (event.bytes) return 'x'.repeat(event.bytes)
  if (event.log) for (const line of event.log) console.log(line)
  return { event, client: context.clientContext ?? null }
}`

let managed: ManagedHost
beforeAll(async () => {
  managed = await startManaged()
  await create(managed.client, await nodeFunction('fn', SOURCE, { Timeout: 1 }))
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

/** A request as no SDK would make it. */
async function raw(path: string, headers: Record<string, string> = {}, body = '', method = 'POST') {
  const url = new URL(managed.host.managementUrl ?? '')
  return new Promise<{ status: number | undefined; type: unknown; body: string }>((resolve, reject) => {
    const sent = request({ host: url.hostname, port: url.port, path, method, headers }, (response) => {
      void text(response).then((all) =>
        resolve({ status: response.statusCode, type: response.headers['x-amzn-errortype'], body: all }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const INVOKE = '/2015-03-31/functions/fn/invocations'

describe('Invoke', () => {
  it('gives an empty event for no payload, and passes the client context', async () => {
    const ClientContext = Buffer.from('{"custom":{"a":"b"}}').toString('base64')
    expect((await invoke(managed.client, 'fn', undefined, { ClientContext })).value).toEqual({
      event: {},
      client: { custom: { a: 'b' } },
    })
  })

  it('answers a DryRun with 204 and runs nothing', async () => {
    expect(await invoke(managed.client, 'fn', { fail: 'never' }, { InvocationType: 'DryRun' })).toMatchObject({
      status: 204,
      value: undefined,
    })
    await expect(invoke(managed.client, 'nowhere', {}, { InvocationType: 'DryRun' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })

  it('tells an exception as Lambda does, with the place in the author’s file', async () => {
    const answer = await invoke(managed.client, 'fn', { fail: 'too far' })
    expect(answer).toMatchObject({
      status: 200,
      error: 'Unhandled',
      version: '$LATEST',
      value: { errorType: 'RangeError', errorMessage: 'too far' },
    })
    const { trace } = answer.value as { trace: string[] }
    expect(trace[0]).toBe('RangeError: too far')
    expect(trace[1]).toContain('/var/task/index.mjs:3')
  })

  it.each([
    [{ spin: true }, 'Sandbox.Timedout', 'Task timed out after 1.00 seconds'],
    [{ hang: true }, 'Sandbox.Timedout', 'Task timed out after 1.00 seconds'],
    [{ bytes: 7_000_000 }, 'Function.ResponseSizeTooLarge', 'Response payload size exceeded'],
  ])('tells that a function was ended: %o', async (event, errorType, message) => {
    const { value, error } = await invoke(managed.client, 'fn', event)
    expect(error).toBe('Unhandled')
    expect(value).toMatchObject({ errorType, errorMessage: expect.stringContaining(message) as string })
  })

  it('gives the tail of the log with its REPORT line, 4 KB at most', async () => {
    const { log } = await invoke(managed.client, 'fn', { log: ['first', 'second'] }, { LogType: 'Tail' })
    expect(log).toMatch(
      /^START RequestId: \S+ Version: \$LATEST\nfirst\nsecond\nEND RequestId: \S+\nREPORT RequestId: \S+\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\t/,
    )
    const long = await invoke(
      managed.client,
      'fn',
      { log: Array.from({ length: 500 }, (_, index) => `line ${index}`.padEnd(50)) },
      { LogType: 'Tail' },
    )
    expect(Buffer.byteLength(long.log ?? '')).toBeLessThanOrEqual(4096)
    expect(long.log).toContain('line 499')
  })

  it.each([
    ['a payload that is no JSON', INVOKE, {}, '{', 400, 'InvalidRequestContentException'],
    ['a client context that is no JSON', INVOKE, { 'x-amz-client-context': 'AAAA' }, '{}', 400, 'InvalidRequestContentException'],
    ['an invocation type that there is not', INVOKE, { 'x-amz-invocation-type': 'Later' }, '{}', 400, 'ValidationException'],
    [
      'a name that is no percent-encoding',
      '/2015-03-31/functions/%zz/invocations',
      {},
      '{}',
      400,
      'InvalidParameterValueException',
    ],
    ['a function that there is not', '/2015-03-31/functions/nowhere/invocations', {}, '{}', 404, 'ResourceNotFoundException'],
    ['a path that there is not', '/2015-03-31/nothing', {}, '{}', 404, 'UnknownOperationException'],
  ])('refuses %s', async (_, path, headers, body, status, type) => {
    const answer = await raw(path, headers, body)
    expect(answer).toMatchObject({ status, type })
    expect(JSON.parse(answer.body)).toMatchObject({ __type: type, Type: 'User', message: expect.any(String) as string })
  })

  it('refuses a payload over 6 MB by its length, before it is sent', async () => {
    const url = `${managed.host.managementUrl}/2015-03-31/functions/fn/invocations`
    const headers = { 'content-type': 'application/json', 'content-length': 6 * 1024 * 1024 + 1 }
    // By the plain client: one that sends on after its refusal may see a closed connection before it sees the answer.
    const sent = request(url, { method: 'POST', headers })
    sent.on('error', () => undefined)
    sent.flushHeaders()
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    expect(answer.statusCode).toBe(413)
    expect(answer.headers['x-amzn-errortype']).toBe('RequestTooLargeException')
    sent.destroy()
  })
})

describe('InvokeWithResponseStream', () => {
  async function stream(event: object, more: Partial<InvokeWithResponseStreamCommandInput> = {}) {
    const command = new InvokeWithResponseStreamCommand({ FunctionName: 'fn', Payload: JSON.stringify(event), ...more })
    const answer = await managed.client.send(command)
    const chunks: Uint8Array[] = []
    let complete
    for await (const part of answer.EventStream ?? []) {
      if (part.PayloadChunk?.Payload !== undefined) chunks.push(part.PayloadChunk.Payload)
      complete = part.InvokeComplete ?? complete
    }
    return { version: answer.ExecutedVersion, text: Buffer.concat(chunks).toString(), chunks: chunks.length, complete }
  }

  it('gives the answer and that it is complete', async () => {
    const { text, version, complete, chunks } = await stream({ a: 'é' })
    expect(JSON.parse(text)).toEqual({ event: { a: 'é' }, client: null })
    expect({ version, complete, chunks }).toEqual({ version: '$LATEST', complete: {}, chunks: 1 })
  })

  it('gives a large answer in several chunks', async () => {
    const { text, chunks } = await stream({ bytes: 3_000_000 })
    expect(text).toHaveLength(3_000_002)
    expect(chunks).toBe(3)
  })

  it('tells an exception and the tail of the log at the end', async () => {
    const { complete, text } = await stream({ fail: 'too far' }, { LogType: 'Tail' })
    expect(text).toBe('')
    expect(complete?.ErrorCode).toBe('Unhandled')
    expect(JSON.parse(complete?.ErrorDetails ?? '')).toMatchObject({ errorType: 'RangeError', errorMessage: 'too far' })
    expect(Buffer.from(complete?.LogResult ?? '', 'base64').toString()).toContain('REPORT RequestId')
  })

  it('refuses functions that there are not, and runs nothing in a DryRun', async () => {
    await expect(stream({}, { FunctionName: 'nowhere' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    const answer = await raw(
      '/2021-11-15/functions/fn/response-streaming-invocations',
      { 'x-amz-invocation-type': 'DryRun' },
      '{}',
    )
    expect(answer.status).toBe(204)
    const event = await raw('/2021-11-15/functions/fn/response-streaming-invocations', { 'x-amz-invocation-type': 'Event' }, '{}')
    expect(event).toMatchObject({ status: 400, type: 'ValidationException' })
  })
})

describe('the management API without signatures', () => {
  it.each([
    ['a name that leads here (DNS rebinding)', { host: 'evil.example:9000' }, 403, 'AccessDeniedException'],
    ['a page of another origin', { origin: 'https://evil.example' }, 403, 'AccessDeniedException'],
    ['an opaque origin', { origin: 'null' }, 403, 'AccessDeniedException'],
    ['a form of any page', { 'content-type': 'text/plain' }, 415, 'UnsupportedMediaTypeException'],
  ])('refuses %s', async (_, headers, status, type) => {
    expect(await raw(INVOKE, headers as unknown as Record<string, string>, '{}')).toMatchObject({ status, type })
    expect(await raw('/2015-03-31/functions', headers as unknown as Record<string, string>, '', 'GET')).toMatchObject({
      status,
      type,
    })
  })

  it('takes the names and addresses of this machine', async () => {
    for (const host of ['localhost:9000', '127.0.0.1', '[::1]:9000', 'api.localhost'])
      expect((await raw('/2015-03-31/functions', { host }, '', 'GET')).status).toBe(200)
  })

  it('is not on the port of the functions, and managed functions are not either', async () => {
    for (const path of ['/2015-03-31/functions', '/fn', '/fn:$LATEST'])
      expect((await fetch(`${managed.host.url}${path}`)).status).toBe(404)
  })
})

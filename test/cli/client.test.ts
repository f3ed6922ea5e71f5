import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { openClient } from '../../src/cli/client.ts'
import { bindInput, readOutput } from '../../src/cli/client/binding.ts'
import { OPERATIONS, type OperationName } from '../../src/gateway/management/model/model.ts'
import { readInput, writeOutput } from '../../src/gateway/management/wire.ts'

const { signal } = new AbortController()
const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:fn'

/** As the host's router takes it apart (src/gateway/management/app.ts). */
function parametersOf(template: string, path: string): Record<string, string> {
  const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const found = new RegExp(`^${template.replaceAll(/\{\w+\}/g, '([^/]+)')}$`).exec(path)
  return Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(found?.[index + 1] ?? '')]))
}

describe('a request that is bound by the service model', () => {
  test.each<[OperationName, object]>([
    ['ListFunctions', { MaxItems: 3, Marker: 'a+b/c=', FunctionVersion: 'ALL' }],
    ['GetFunction', { FunctionName: `${ARN}:live`, Qualifier: '$LATEST' }],
    [
      'CreateFunction',
      { FunctionName: 'fn', Role: 'arn:aws:iam::000000000000:role/r', Code: { ZipFile: Buffer.from([0, 255, 1]) } },
    ],
    ['UpdateFunctionCode', { FunctionName: 'fn', ZipFile: Buffer.from('zip'), DryRun: true, Publish: false }],
    ['UpdateAlias', { FunctionName: 'fn', Name: 'a', RoutingConfig: { AdditionalVersionWeights: { 2: 0.25 } } }],
    ['PutFunctionConcurrency', { FunctionName: 'fn', ReservedConcurrentExecutions: 0 }],
    ['DeleteLayerVersion', { LayerName: 'arn:aws:lambda:us-east-1:000000000000:layer:a', VersionNumber: 7 }],
    ['Invoke', { FunctionName: 'fn', Payload: Buffer.from('{"a":1}'), InvocationType: 'Event', LogType: 'Tail' }],
    ['AddPermission', { FunctionName: 'fn', StatementId: 's', Action: 'lambda:InvokeFunction', Principal: '*', Qualifier: 'a' }],
    ['UntagResource', { Resource: ARN, TagKeys: ['one', 'two = 3+/'] }],
  ])('is read by the host as it was meant: %s', (name, input) => {
    const { path, query, headers, body } = bindInput(OPERATIONS[name], input)
    expect(
      readInput(OPERATIONS[name], {
        path: parametersOf(OPERATIONS[name].path, path),
        query: new URLSearchParams(query.map(([key, value]): [string, string] => [key, value])),
        headers: new Headers(headers),
        body,
      }),
    ).toEqual(input)
  })

  test('has only what signatures leave as it is in its path', () => {
    const { path } = bindInput(OPERATIONS.ListTags, { Resource: "a:b/c!'()*" })
    expect(path).toBe('/2017-03-31/tags/a%3Ab%2Fc%21%27%28%29%2A')
  })

  test('refuses members that the operation does not have', () => {
    expect(() => bindInput(OPERATIONS.GetFunction, { Name: 'x' })).toThrow('has no member Name')
  })
})

test('an answer is read as the host wrote it, with times as times', async () => {
  const value = { UUID: 'a', LastModified: new Date(1_700_000_000_000), BatchSize: 3 }
  const written = writeOutput(OPERATIONS.GetEventSourceMapping, value)
  const answer = {
    status: written.status,
    headers: Object.fromEntries(written.headers),
    body: new Uint8Array(await written.arrayBuffer()),
  }
  expect(readOutput(OPERATIONS.GetEventSourceMapping, answer)).toEqual(value)
})

describe('the address of a host', () => {
  test.each([
    ['the option', 'http://127.0.0.1:1', { AMPOULE_ENDPOINT: 'http://127.0.0.1:2' }, '127.0.0.1:1'],
    [
      'AMPOULE_ENDPOINT',
      undefined,
      { AMPOULE_ENDPOINT: 'http://127.0.0.1:2', AWS_ENDPOINT_URL_LAMBDA: 'http://127.0.0.1:3' },
      '127.0.0.1:2',
    ],
    [
      'the variable of AWS for Lambda',
      undefined,
      { AWS_ENDPOINT_URL_LAMBDA: 'http://127.0.0.1:3', AWS_ENDPOINT_URL: 'http://127.0.0.1:4' },
      '127.0.0.1:3',
    ],
    [
      'the variable of AWS for everything',
      undefined,
      { AMPOULE_ENDPOINT: '', AWS_ENDPOINT_URL: 'http://127.0.0.1:4' },
      '127.0.0.1:4',
    ],
  ])(
    'comes from %s, and a host that is not there is told with the command that starts one',
    async (_, given, environment, place) => {
      await expect(openClient(given, environment, signal).call('ListFunctions', {})).rejects.toMatchObject({
        code: 'HostUnreachable',
        message: expect.stringMatching(new RegExp(`there is no host at http://${place} .*ampoule serve --data DIR`)) as string,
      })
    },
  )

  test.each([
    ['--endpoint', 'localhost:9000', {}],
    ['AMPOULE_ENDPOINT', undefined, { AMPOULE_ENDPOINT: 'nonsense' }],
  ])('that is none is refused by its name: %s', (name, given, environment) => {
    expect(() => openClient(given, environment, signal)).toThrow(`${name} is "`)
  })
})

describe('a server that is no host', () => {
  let server: Server
  afterEach(() => server.close())

  async function at(status: number, headers: Record<string, string>, body: string): Promise<string> {
    server = createServer((_, response) => response.writeHead(status, headers).end(body)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  test.each([
    ['answers with a page', 200, {}, '<html>'],
    ['does not know the path', 404, {}, 'not found'],
    ['has errors of another form', 500, { 'x-amzn-errortype': 'X' }, '{}'],
  ])('is told from one when it %s', async (_, status, headers, body) => {
    const client = openClient(await at(status, headers, body), {}, signal)
    await expect(client.call('ListFunctions', {})).rejects.toMatchObject({
      code: 'HostUnreachable',
      message: expect.stringContaining('not as the management API of a host does: name its address with --endpoint') as string,
    })
  })

  test('is not waited for when the command is interrupted', async () => {
    const asked = Promise.withResolvers<undefined>()
    server = createServer(() => asked.resolve(undefined)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const interrupted = new AbortController()
    const client = openClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {}, interrupted.signal)
    const call = client.call('ListFunctions', {})
    await asked.promise
    interrupted.abort(new Error('interrupted'))
    await expect(call).rejects.toThrow('interrupted')
  })
})

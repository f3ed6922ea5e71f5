import { request, type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import {
  AddPermissionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  DeleteFunctionUrlConfigCommand,
  GetFunctionUrlConfigCommand,
  ListFunctionUrlConfigsCommand,
  RemovePermissionCommand,
  UpdateFunctionUrlConfigCommand,
  type CreateFunctionUrlConfigCommandInput,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { guest } from '../../guests/index.ts'
import { create, nodeFunction, removeFolders, ROLE, startManaged, zipOf, type ManagedHost } from './host.ts'

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function'
const ECHO = `export const handler = async (event) => {
  if (event.rawPath === '/fail') throw new Error('a secret of the function')
  return {
    statusCode: 201,
    headers: { 'x-own': '1', 'Access-Control-Allow-Origin': 'https://own.example', Vary: 'Accept' },
    cookies: ['a=1; Path=/', 'b=2'],
    body: JSON.stringify(event),
  }
}`

let managed: ManagedHost
beforeAll(async () => {
  managed = await startManaged()
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

const failing = (name: string, message: RegExp) =>
  expect.objectContaining({ name, message: expect.stringMatching(message) as unknown }) as unknown

interface Answered {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** As a client that resolves names below `localhost` to this machine; not every system's resolver does. */
async function ask(url: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answered> {
  const { hostname, host, port, pathname, search } = new URL(url)
  expect(hostname).toMatch(/(^127\.0\.0\.1|\.localhost)$/)
  const { promise, resolve, reject } = Promise.withResolvers<Answered>()
  request({ host: '127.0.0.1', port, method, path: pathname + search, headers: { host, ...headers } }, (incoming) => {
    text(incoming).then((read) => resolve({ status: incoming.statusCode, headers: incoming.headers, body: read }), reject)
  })
    .on('error', reject)
    .end(body)
  return promise
}

const allow = (FunctionName: string, more: object = {}) =>
  managed.client.send(
    new AddPermissionCommand({
      FunctionName,
      StatementId: 'public',
      Action: 'lambda:InvokeFunctionUrl',
      Principal: '*',
      FunctionUrlAuthType: 'NONE',
      ...more,
    }),
  )

async function withUrl(name: string, more: Partial<CreateFunctionUrlConfigCommandInput> = {}, source = ECHO): Promise<string> {
  await create(managed.client, await nodeFunction(name, source))
  const { FunctionUrl = '' } = await managed.client.send(
    new CreateFunctionUrlConfigCommand({ FunctionName: name, AuthType: 'NONE', ...more }),
  )
  return FunctionUrl
}

describe('a function URL', () => {
  it('brings requests to the function as events of payload format 2.0', async () => {
    const url = await withUrl('events')
    await allow('events')
    const answer = await ask(`${url}a/b%20c?x=1&x=2&y=%C3%BC`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', cookie: 'k=v; l=w' },
      body: 'hello',
    })
    expect(answer).toMatchObject({ status: 201, headers: { 'x-own': '1', 'set-cookie': ['a=1; Path=/', 'b=2'] } })
    expect(JSON.parse(answer.body)).toMatchObject({
      version: '2.0',
      routeKey: '$default',
      rawPath: '/a/b%20c',
      rawQueryString: 'x=1&x=2&y=%C3%BC',
      queryStringParameters: { x: '1,2', y: 'ü' },
      cookies: ['k=v', 'l=w'],
      headers: { 'content-type': 'text/plain', host: new URL(url).host },
      requestContext: { http: { method: 'POST', path: '/a/b%20c' } },
      body: 'hello',
      isBase64Encoded: false,
    })
  })

  it('works below a path as well, for clients that do not find its name', async () => {
    const url = await withUrl('fallback')
    await allow('fallback')
    const [id = ''] = new URL(url).hostname.split('.')
    for (const [rest, rawPath] of [
      ['/p?q=1', '/p'],
      ['', '/'],
      ['?q=1', '/'],
    ]) {
      const { status, body } = await ask(`${managed.host.url}/_ampoule/url/${id}${rest ?? ''}`)
      expect([status, (JSON.parse(body) as { rawPath: string }).rawPath]).toEqual([201, rawPath])
    }
    for (const path of [`/_ampoule/url/${id}x`, `/_ampoule/url/${id.slice(1)}`, '/fallback', '/fallback/x'])
      expect((await ask(managed.host.url + path)).status).toBe(404)
  })

  it('is open to nobody until the policy says so, and from then on at once', async () => {
    const url = await withUrl('guarded')
    expect(await ask(url)).toMatchObject({ status: 403, body: '{"Message":"Forbidden"}' })
    await allow('guarded', { StatementId: 'other', FunctionUrlAuthType: 'AWS_IAM' })
    await allow('guarded', { StatementId: 'invoke', Action: 'lambda:InvokeFunction', FunctionUrlAuthType: undefined })
    await allow('guarded', { StatementId: 'account', Principal: '111111111111' })
    expect((await ask(url)).status).toBe(403)
    await allow('guarded')
    expect((await ask(url)).status).toBe(201)
    await managed.client.send(new RemovePermissionCommand({ FunctionName: 'guarded', StatementId: 'public' }))
    expect((await ask(url)).status).toBe(403)
  })

  it('with AWS_IAM takes no request that is not signed', async () => {
    const url = await withUrl('signed', { AuthType: 'AWS_IAM' })
    await allow('signed')
    expect((await ask(url)).status).toBe(403)
    expect((await ask(url, { headers: { authorization: 'AWS4-HMAC-SHA256 Credential=any' } })).status).toBe(403)
    await managed.client.send(new UpdateFunctionUrlConfigCommand({ FunctionName: 'signed', AuthType: 'NONE' }))
    expect((await ask(url)).status).toBe(201)
  })

  it('answers preflights itself and sets the headers of CORS in the place of the function’s', async () => {
    const url = await withUrl('cors', {
      Cors: {
        AllowOrigins: ['https://app.example'],
        AllowMethods: ['GET', 'POST'],
        AllowHeaders: ['x-a', 'x-b'],
        ExposeHeaders: ['x-own'],
        AllowCredentials: true,
        MaxAge: 300,
      },
    })
    await allow('cors')
    const preflight = (origin: string) =>
      ask(url, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })
    const allowed = await preflight('https://app.example')
    expect(allowed).toMatchObject({
      status: 200,
      body: '',
      headers: {
        'access-control-allow-origin': 'https://app.example',
        'access-control-allow-methods': 'GET,POST',
        'access-control-allow-headers': 'x-a,x-b',
        'access-control-allow-credentials': 'true',
        'access-control-max-age': '300',
        vary: 'Origin',
      },
    })
    const refused = await preflight('https://evil.example')
    expect(Object.keys(refused.headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
    const got = await ask(url, { headers: { origin: 'https://app.example' } })
    expect(got.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-expose-headers': 'x-own',
      vary: 'Accept, Origin',
    })
    // The browser can read why it failed.
    const failed = await ask(`${url}fail`, { headers: { origin: 'https://app.example' } })
    expect(failed).toMatchObject({ status: 502, headers: { 'access-control-allow-origin': 'https://app.example' } })
    await managed.client.send(new UpdateFunctionUrlConfigCommand({ FunctionName: 'cors', Cors: {} }))
    // Without settings the function answers itself.
    expect((await preflight('https://app.example')).headers['access-control-allow-origin']).toBe('https://own.example')
  })

  it('tells nobody why the function failed, and refuses what is too large', async () => {
    const url = await withUrl('failing')
    await allow('failing')
    expect(await ask(`${url}fail`)).toMatchObject({ status: 502, body: '{"Message":"Internal Server Error"}' })
    expect((await ask(url, { method: 'POST', body: 'x'.repeat(7 * 1024 * 1024) })).status).toBe(413)
  })

  it('leads to components as well as to scripts', async () => {
    const zip = await zipOf({ 'bootstrap.wasm': await guest('echo') })
    await create(managed.client, {
      FunctionName: 'component',
      Role: ROLE,
      Runtime: 'provided.al2023',
      Handler: 'bootstrap',
      Code: { ZipFile: zip },
    })
    const { FunctionUrl = '' } = await managed.client.send(
      new CreateFunctionUrlConfigCommand({ FunctionName: 'component', AuthType: 'NONE', InvokeMode: 'RESPONSE_STREAM' }),
    )
    await allow('component')
    expect((await ask(FunctionUrl, { method: 'POST', body: 'bytes' })).status).toBe(200)
  })

  it('is gone with its configuration and with its function', async () => {
    const url = await withUrl('gone')
    await allow('gone')
    expect((await ask(url)).status).toBe(201)
    await managed.client.send(new DeleteFunctionUrlConfigCommand({ FunctionName: 'gone' }))
    expect((await ask(url)).status).toBe(404)
    const { FunctionUrl = '' } = await managed.client.send(
      new CreateFunctionUrlConfigCommand({ FunctionName: 'gone', AuthType: 'NONE' }),
    )
    expect(FunctionUrl).not.toBe(url)
    expect((await ask(FunctionUrl)).status).toBe(201)
    await managed.client.send(new DeleteFunctionCommand({ FunctionName: 'gone' }))
    expect((await ask(FunctionUrl)).status).toBe(404)
  })
})

describe('the configuration of function URLs', () => {
  it('is created, shown, listed, changed and deleted', async () => {
    const { client } = managed
    const url = await withUrl('config', { Cors: { AllowOrigins: ['*'] } })
    expect(url).toMatch(new RegExp(String.raw`^http://[a-z2-7]{32}\.lambda-url\.us-east-1\.localhost:${managed.host.port}/$`))
    const shown = await client.send(new GetFunctionUrlConfigCommand({ FunctionName: `${ARN}:config` }))
    expect(shown).toMatchObject({
      FunctionUrl: url,
      FunctionArn: `${ARN}:config`,
      AuthType: 'NONE',
      InvokeMode: 'BUFFERED',
      Cors: { AllowOrigins: ['*'] },
    })
    expect(Date.parse(shown.CreationTime ?? '')).toBeGreaterThan(0)
    const changed = await client.send(
      new UpdateFunctionUrlConfigCommand({ FunctionName: 'config', AuthType: 'AWS_IAM', InvokeMode: 'RESPONSE_STREAM' }),
    )
    expect(changed).toMatchObject({
      FunctionUrl: url,
      AuthType: 'AWS_IAM',
      InvokeMode: 'RESPONSE_STREAM',
      Cors: { AllowOrigins: ['*'] },
    })
    const { FunctionUrlConfigs } = await client.send(new ListFunctionUrlConfigsCommand({ FunctionName: 'config' }))
    expect(FunctionUrlConfigs).toMatchObject([{ FunctionUrl: url }])
    await client.send(new DeleteFunctionUrlConfigCommand({ FunctionName: 'config' }))
    await expect(client.send(new GetFunctionUrlConfigCommand({ FunctionName: 'config' }))).rejects.toEqual(
      failing('ResourceNotFoundException', /does not exist/),
    )
  })

  it('is refused with Lambda’s errors where it makes no sense', async () => {
    const { client } = managed
    await withUrl('single')
    const again = (more: object) =>
      client.send(new CreateFunctionUrlConfigCommand({ FunctionName: 'single', AuthType: 'NONE', ...more }))
    await expect(again({})).rejects.toEqual(failing('ResourceConflictException', /exists for this Lambda function/))
    await expect(again({ Qualifier: 'none' })).rejects.toEqual(failing('ResourceNotFoundException', /single:none/))
    await expect(again({ Qualifier: '1' })).rejects.toEqual(failing('ValidationException', /qualifier/))
    await expect(again({ FunctionName: 'none' })).rejects.toEqual(failing('ResourceNotFoundException', /none/))
    await expect(again({ AuthType: 'OPEN' })).rejects.toEqual(failing('ValidationException', /authType/))
    await expect(again({ Cors: { AllowMethods: ['FETCH'] } })).rejects.toEqual(
      failing('InvalidParameterValueException', /FETCH.*AllowMethods/),
    )
    await expect(again({ Cors: { AllowOrigins: ['https://a.example/path'] } })).rejects.toEqual(
      failing('InvalidParameterValueException', /AllowOrigins/),
    )
    await expect(client.send(new UpdateFunctionUrlConfigCommand({ FunctionName: 'absent', AuthType: 'NONE' }))).rejects.toEqual(
      failing('ResourceNotFoundException', /./),
    )
  })
})

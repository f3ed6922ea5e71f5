import { readdir, readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { GetFunctionCommand, InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHost } from '../../../src/host.ts'
import { openKeys } from '../../../src/identity/key-folder.ts'
import { run } from '../../cli/ampoule.ts'
import { create, invoke, nodeFunction, removeFolders, startManaged, temporaryFolder, type ManagedHost } from './host.ts'

let managed: ManagedHost
let key: { readonly accessKeyId: string; readonly secretAccessKey: string }

beforeAll(async () => {
  const dataDir = await temporaryFolder()
  const keys = await openKeys(dataDir, undefined)
  const { id, secret } = await keys.create()
  await keys.close()
  key = { accessKeyId: id, secretAccessKey: secret }
  managed = await startManaged({ dataDir, managementAccess: 'signed' }, key)
  await create(managed.client, await nodeFunction('fn', 'export const handler = (event) => event'))
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

function clientWith(credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }, more: object = {}) {
  return new LambdaClient({
    endpoint: managed.host.managementUrl ?? '',
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
    ...more,
  })
}

/** A request with these headers and no signature but what they hold. */
async function raw(path: string, headers: Record<string, string>, method: string) {
  const url = new URL(managed.host.managementUrl ?? '')
  return new Promise<{ status: number | undefined; type: unknown; body: string }>((resolve, reject) => {
    const sent = request({ host: url.hostname, port: url.port, path, method, headers }, (response) => {
      void text(response).then((body) =>
        resolve({ status: response.statusCode, type: response.headers['x-amzn-errortype'], body }),
      )
    })
    sent.on('error', reject)
    sent.end()
  })
}

const INVOKE = '/2015-03-31/functions/fn/invocations'

describe('the management API with signatures', () => {
  it('serves whoever signs with a key of the host, operations and invocations', async () => {
    const { client } = managed
    expect((await client.send(new ListFunctionsCommand({}))).Functions).toHaveLength(1)
    expect((await invoke(client, 'fn', { text: 'é ü', deep: [1] })).value).toEqual({ text: 'é ü', deep: [1] })
    const arn = 'arn:aws:lambda:us-east-1:000000000000:function:fn:$LATEST'
    expect((await invoke(client, arn, {}, { LogType: 'Tail' })).log).toContain('REPORT')
    await client.send(new GetFunctionCommand({ FunctionName: arn }))
  })

  it.each([
    ['a wrong secret', { secretAccessKey: 'wrong' }, {}, 'InvalidSignatureException'],
    ['a key that there is not', { accessKeyId: 'AMPKBBBBBBBBBBBBBBBB' }, {}, 'UnrecognizedClientException'],
    ['a session', { sessionToken: 'session' }, {}, 'UnrecognizedClientException'],
    ['a clock that is ten minutes behind', {}, { systemClockOffset: -600_000 }, 'InvalidSignatureException'],
    ['another region', {}, { region: 'eu-west-1' }, 'InvalidSignatureException'],
  ])('refuses %s, for operations and for invocations', async (_, wrong, more, name) => {
    for (const command of [new ListFunctionsCommand({}), new InvokeCommand({ FunctionName: 'fn' })]) {
      // A client learns from a refusal how wrong its clock is.
      const client = clientWith({ ...key, ...wrong }, more)
      const refused = client.send(command as ListFunctionsCommand)
      await expect(refused).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 403 } })
      await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(key.secretAccessKey) as string })
      client.destroy()
    }
  })

  it('refuses what is not signed before it says what there is', async () => {
    for (const [path, method] of [
      [INVOKE, 'POST'],
      ['/2015-03-31/functions/nowhere/invocations', 'POST'],
      ['/2015-03-31/functions', 'GET'],
      ['/nothing', 'GET'],
    ] as const)
      expect(await raw(path, {}, method)).toMatchObject({ status: 403, type: 'MissingAuthenticationTokenException' })
    expect(await raw(INVOKE, { authorization: 'AWS4-HMAC-SHA256 Credential=a' }, 'POST')).toMatchObject({
      status: 403,
      type: 'IncompleteSignatureException',
    })
  })

  it('takes signed requests under any name of the host: a web page cannot sign', async () => {
    expect(await raw(INVOKE, { host: 'evil.example', origin: 'https://evil.example' }, 'POST')).toMatchObject({ status: 403 })
  })
})

describe('an address that others can reach', () => {
  const open = async (options: object) =>
    startHost({
      config: join(managed.folder, 'none.jsonc'),
      configOptional: true,
      dataDir: await temporaryFolder(),
      port: 0,
      managementPort: 0,
      lanes: 1,
      ...options,
    })

  it('is refused without an access key, and the message says how to make one', async () => {
    await expect(open({ managementHost: '0.0.0.0' })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringMatching(/0\.0\.0\.0 must be signed.*"ampoule key create --data .*listen on 127\.0\.0\.1/) as string,
    })
  })

  it('is refused without signatures', async () => {
    await expect(open({ managementHost: '0.0.0.0', managementAccess: 'local' })).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('managementAccess is "local"') as string,
    })
  })

  it('asks for signatures once there is a key', async () => {
    const dataDir = await temporaryFolder()
    const keys = await openKeys(dataDir, undefined)
    const { id, secret } = await keys.create()
    await keys.close()
    const host = await open({ managementHost: '0.0.0.0', dataDir })
    try {
      const endpoint = (host.managementUrl ?? '').replace('0.0.0.0', '127.0.0.1')
      expect((await fetch(`${endpoint}/2015-03-31/functions`)).status).toBe(403)
      const client = new LambdaClient({
        endpoint,
        region: 'us-east-1',
        credentials: { accessKeyId: id, secretAccessKey: secret },
        maxAttempts: 1,
      })
      expect((await client.send(new ListFunctionsCommand({}))).Functions).toEqual([])
      client.destroy()
    } finally {
      await host.close(0)
    }
  })
})

describe('ampoule key', () => {
  it('leaves no secret on disk as it is', async () => {
    const folder = await temporaryFolder()
    const keys = await openKeys(folder, undefined)
    const { id, secret } = await keys.create()
    await keys.close()
    const files = await readdir(folder)
    const contents = await Promise.all(files.map((name) => readFile(join(folder, name))))
    expect(contents.some((bytes) => bytes.includes(id))).toBe(true)
    expect(contents.some((bytes) => bytes.includes(secret))).toBe(false)
  })

  it('makes keys whose secret is shown once, lists and deletes them', async () => {
    const data = await temporaryFolder()
    expect((await run(['key', 'list', '--data', data])).stdout).toContain('no access keys')
    const made = await run(['key', 'create', '--data', data, '--json'])
    expect(made.code).toBe(0)
    const { accessKeyId, secretAccessKey } = JSON.parse(made.stdout) as Record<string, string>
    expect(accessKeyId).toMatch(/^AMPK[A-Z2-7]{16}$/)
    expect(secretAccessKey).toMatch(/^[A-Za-z0-9+/]{40}$/)
    const listed = await run(['key', 'list', '--data', data, '--json'])
    expect(JSON.parse(listed.stdout)).toEqual({ keys: [{ accessKeyId, createdAt: expect.any(String) as string }] })
    expect(listed.stdout + listed.stderr).not.toContain(secretAccessKey)
    expect(await run(['key', 'delete', 'AMPKNONE', '--data', data])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no access key "AMPKNONE"') as string,
    })
    expect((await run(['key', 'delete', accessKeyId ?? '', '--data', data])).code).toBe(0)
    expect(JSON.parse((await run(['key', 'list', '--data', data, '--json'])).stdout)).toEqual({ keys: [] })
  })

  it('is refused while a host has the folder', async () => {
    expect(await run(['key', 'list', '--data', managed.folder])).toMatchObject({ code: 9 })
  })
})

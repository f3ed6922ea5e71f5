import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { AddPermissionCommand, CreateFunctionUrlConfigCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sign } from '../../../src/cli/client/signature.ts'
import { openKeys } from '../../../src/identity/key-folder.ts'
import { create, nodeFunction, removeFolders, startManaged, temporaryFolder, type ManagedHost } from './host.ts'

let managed: ManagedHost
let url: URL
let key: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken: undefined }
beforeAll(async () => {
  const dataDir = await temporaryFolder()
  const keys = await openKeys(dataDir, undefined)
  const { id, secret } = await keys.create()
  await keys.close()
  key = { accessKeyId: id, secretAccessKey: secret, sessionToken: undefined }
  managed = await startManaged({ dataDir })
  const source = 'export const handler = async (event) => `${event.rawPath} ${event.body ?? "nothing"}`'
  await create(managed.client, await nodeFunction('signed', source))
  const { FunctionUrl = '' } = await managed.client.send(
    new CreateFunctionUrlConfigCommand({ FunctionName: 'signed', AuthType: 'AWS_IAM' }),
  )
  url = new URL(FunctionUrl)
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

interface Sent {
  readonly method?: string
  readonly path?: string
  readonly body?: string
}

const signed = ({ method = 'GET', path = '/', body = '' }: Sent, credentials = key) =>
  sign({ method, path, query: [], headers: {}, body: Buffer.from(body) }, url, credentials)

async function send({ method = 'GET', path = '/', body = '' }: Sent, headers: Readonly<Record<string, string>>) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; body: string }>()
  request({ host: '127.0.0.1', port: url.port, method, path, headers: { host: url.host, ...headers } }, (incoming) => {
    text(incoming).then((read) => resolve({ status: incoming.statusCode, body: read }), reject)
  })
    .on('error', reject)
    .end(body)
  return promise
}

describe('a function URL with AWS_IAM', () => {
  it.each<[string, Sent]>([
    ['without a body', { path: '/a/b' }],
    ['with a body', { method: 'POST', path: '/c', body: 'hello' }],
  ])('takes a request %s that is signed with a key of the host', async (_, sent) => {
    expect(await send(sent, await signed(sent))).toEqual({ status: 200, body: `${sent.path} ${sent.body ?? 'nothing'}` })
  })

  it('takes no request without a signature, whatever the policy says', async () => {
    await managed.client.send(
      new AddPermissionCommand({
        FunctionName: 'signed',
        StatementId: 'public',
        Action: 'lambda:InvokeFunctionUrl',
        Principal: '*',
        FunctionUrlAuthType: 'AWS_IAM',
      }),
    )
    expect(await send({}, {})).toEqual({ status: 403, body: '{"Message":"Forbidden"}' })
  })

  it('takes no other body than the one that was signed', async () => {
    const sent = { method: 'POST', body: 'hello' }
    const headers = await signed(sent)
    expect(await send({ ...sent, body: 'hullo' }, headers)).toMatchObject({
      status: 403,
      body: expect.stringContaining('signature we calculated does not match') as string,
    })
  })

  it('takes no other path than the one that was signed', async () => {
    expect((await send({ path: '/b' }, await signed({ path: '/a' }))).status).toBe(403)
  })

  it.each([
    ['a wrong secret', () => ({ ...key, secretAccessKey: 'wrong' })],
    ['a key that there is not', () => ({ ...key, accessKeyId: 'AMPKBBBBBBBBBBBBBBBB' })],
  ])('takes no signature with %s', async (_, wrong) => {
    const answer = await send({}, await signed({}, wrong()))
    expect(answer.status).toBe(403)
    expect(answer.body).not.toContain(key.secretAccessKey)
  })

  it('refuses a body over the limit before it is read', async () => {
    const sent = { method: 'POST', body: 'a' }
    const headers = await signed(sent)
    expect((await send(sent, { ...headers, 'content-length': String(7 * 1024 * 1024) })).status).toBe(413)
  })
})

import { createHash } from 'node:crypto'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  DeleteFunctionCommand,
  GetFunctionCommand,
  GetLayerVersionByArnCommand,
  GetLayerVersionCommand,
  LambdaClient,
  PublishLayerVersionCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openKeys } from '../../../src/identity/key-folder.ts'
import { create, nodeFunction, removeFolders, startManaged, temporaryFolder, zipOf, type ManagedHost } from './host.ts'

let managed: ManagedHost
let zip: Uint8Array
beforeAll(async () => {
  const dataDir = await temporaryFolder()
  const keys = await openKeys(dataDir, undefined)
  const { id, secret } = await keys.create()
  await keys.close()
  managed = await startManaged({ dataDir, managementAccess: 'signed' }, { accessKeyId: id, secretAccessKey: secret })
  zip = await zipOf({ 'index.mjs': 'export const handler = () => 1', 'data.bin': Buffer.alloc(300_000, 'ab1') })
  await create(managed.client, { ...(await nodeFunction('fn', '')), Code: { ZipFile: zip } })
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

const locationOf = async (FunctionName: string, client: LambdaClient = managed.client): Promise<string> =>
  (await client.send(new GetFunctionCommand({ FunctionName }))).Code?.Location ?? ''

describe('the link to the code', () => {
  it('of a function gives the zip as it was uploaded, to whoever has it', async () => {
    const { Code, Configuration } = await managed.client.send(new GetFunctionCommand({ FunctionName: 'fn' }))
    const answer = await fetch(Code?.Location ?? '')
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/zip'])
    const bytes = new Uint8Array(await answer.arrayBuffer())
    expect(Buffer.from(bytes).equals(zip)).toBe(true)
    expect(createHash('sha256').update(bytes).digest('base64')).toBe(Configuration?.CodeSha256)
    const head = await fetch(Code?.Location ?? '', { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(zip.length)])
  })

  it('of a layer version is in every answer that shows it', async () => {
    const layer = await zipOf({ 'nodejs/lib.mjs': 'export const a = 1' })
    const published = await managed.client.send(new PublishLayerVersionCommand({ LayerName: 'lib', Content: { ZipFile: layer } }))
    const shown = [
      published,
      await managed.client.send(new GetLayerVersionCommand({ LayerName: 'lib', VersionNumber: 1 })),
      await managed.client.send(new GetLayerVersionByArnCommand({ Arn: published.LayerVersionArn })),
    ]
    for (const { Content } of shown) {
      const answer = await fetch(Content?.Location ?? '')
      expect(Buffer.from(await answer.arrayBuffer()).equals(layer)).toBe(true)
    }
  })

  it('leads to where the request came from', async () => {
    const { port } = new URL(managed.host.managementUrl ?? '')
    const credentials = await managed.client.config.credentials()
    const client = new LambdaClient({ endpoint: `http://localhost:${port}`, region: 'us-east-1', credentials })
    expect(await locationOf('fn', client)).toMatch(new RegExp(`^http://localhost:${port}/_ampoule/code/`))
    client.destroy()
  })

  it('is refused when it is forged, and cannot be written to', async () => {
    const location = await locationOf('fn')
    const other = createHash('sha256').update('another').digest('hex')
    for (const [method, url] of [
      ['GET', location.replace(/[0-9a-f]{64}/, other)],
      ['GET', location.replace(/Expires=\d+/, 'Expires=9999999999')],
      ['GET', location.replace(/Signature=.*/, 'Signature=AAAA')],
      ['GET', location.replace(/\?.*/, '')],
      ['DELETE', location],
      ['POST', location],
    ] as const) {
      const answer = await fetch(url, { method })
      expect([url, answer.status, answer.headers.get('x-amzn-errortype')]).toEqual([url, 403, 'AccessDeniedException'])
      expect(await answer.text()).not.toContain(managed.folder)
    }
  })

  it('leads nowhere when the code is gone, and gives nothing whole of code that was damaged', async () => {
    const code = await zipOf({ 'index.mjs': 'export const handler = () => "brief"', 'data.bin': Buffer.alloc(200_000, 'xyz') })
    const { CodeSha256 = '' } = await create(managed.client, { ...(await nodeFunction('brief', '')), Code: { ZipFile: code } })
    const location = await locationOf('brief')
    const hash = Buffer.from(CodeSha256, 'base64').toString('hex')
    const path = join(managed.folder, 'code', hash.slice(0, 2), hash)
    const whole = await readFile(path)
    await writeFile(path, whole.fill(0, 0, 10))
    await expect(fetch(location).then((answer) => answer.arrayBuffer())).rejects.toThrow(/terminated|fetch failed/)
    await appendFile(path, 'more')
    await managed.client.send(new DeleteFunctionCommand({ FunctionName: 'brief' }))
    const answer = await fetch(location)
    expect([answer.status, answer.headers.get('x-amzn-errortype')]).toEqual([404, 'ResourceNotFoundException'])
  })
})

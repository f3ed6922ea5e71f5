import { readdir } from 'node:fs/promises'
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  DeleteLayerVersionCommand,
  PublishLayerVersionCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { guest } from '../../guests/index.ts'
import { create, invoke, nodeFunction, removeFolders, ROLE, startManaged, updated, zipOf, type ManagedHost } from './host.ts'

const ROUNDS = 300
/** Functions at a time, of which several have the same code. */
const AT_ONCE = 6

let managed: ManagedHost
beforeAll(async () => {
  managed = await startManaged()
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

/** Files of code and artifacts. */
async function stored(): Promise<string[]> {
  const all = await Promise.all(['code', 'artifacts'].map((part) => readdir(`${managed.folder}/${part}`, { recursive: true })))
  return all
    .flat()
    .filter((path) => /[0-9a-f]{64}(\.\w+)?$/.test(path))
    .toSorted()
}

const component = async (name: string) => ({
  FunctionName: name,
  Runtime: 'provided.al2023' as const,
  Handler: 'bootstrap',
  Role: ROLE,
  Code: { ZipFile: await zipOf({ 'bootstrap.wasm': await guest('echo') }) },
})

describe('the data folder', () => {
  it(
    'is what it was after hundreds of functions have come and gone, of which many had the same code',
    { timeout: 240_000 },
    async () => {
      const { client } = managed
      await create(client, await nodeFunction('stays', 'export const handler = () => "stays"'))
      const before = await stored()
      let next = 0
      const worker = async (): Promise<void> => {
        for (let round = next++; round < ROUNDS; round = next++) {
          const name = `goes-${round}`
          // Every code is that of several functions at the same time.
          const code = Math.floor(round / 3) % 7
          const input = code === 0 ? await component(name) : await nodeFunction(name, `export const handler = () => ${code}`)
          await create(client, input)
          expect((await invoke(client, name, round)).value).toBe(code === 0 ? round : code)
          await client.send(new DeleteFunctionCommand({ FunctionName: name }))
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, worker))
      expect(await stored()).toEqual(before)
      expect((await invoke(client, 'stays')).value).toBe('stays')
    },
  )

  it('has nothing of what was refused, of a change that failed, and of layers that nobody uses', async () => {
    const { client } = managed
    const before = await stored()
    const input = await nodeFunction('picky', 'export const handler = () => 1')
    await create(client, input)
    const settled = await stored()
    const zip = async (source: string) => ({ FunctionName: 'picky', ZipFile: await zipOf({ 'index.mjs': source }) })
    await client.send(new UpdateFunctionCodeCommand({ ...(await zip('export const handler = () => 2')), DryRun: true }))
    const stale = { ...(await zip('export const handler = () => 3')), RevisionId: '00000000-0000-0000-0000-000000000000' }
    await expect(client.send(new UpdateFunctionCodeCommand(stale))).rejects.toThrow(/Revision/)
    await expect(
      client.send(
        new CreateFunctionCommand({ ...input, Code: { ZipFile: (await zip('export const handler = () => 4')).ZipFile } }),
      ),
    ).rejects.toThrow(/already exist/)
    await expect.poll(stored, { timeout: 10_000 }).toEqual(settled)
    await client.send(new UpdateFunctionCodeCommand(await zip('throw new Error("no")')))
    await expect(
      waitUntilFunctionUpdatedV2({ client, maxWaitTime: 30, minDelay: 0.05, maxDelay: 0.2 }, { FunctionName: 'picky' }),
    ).rejects.toThrow(/FAILURE/)
    await client.send(new UpdateFunctionCodeCommand({ FunctionName: 'picky', ZipFile: input.Code?.ZipFile }))
    await updated(client, 'picky')
    await expect.poll(stored, { timeout: 10_000 }).toEqual(settled)
    const Content = { ZipFile: await zipOf({ 'file.txt': 'text' }) }
    const { LayerVersionArn = '' } = await client.send(new PublishLayerVersionCommand({ LayerName: 'brief', Content }))
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'picky', Layers: [LayerVersionArn] }))
    await updated(client, 'picky')
    await client.send(new DeleteLayerVersionCommand({ LayerName: 'brief', VersionNumber: 1 }))
    expect(await stored()).not.toEqual(settled)
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'picky', Layers: [] }))
    await updated(client, 'picky')
    await expect.poll(stored, { timeout: 10_000 }).toEqual(settled)
    await client.send(new DeleteFunctionCommand({ FunctionName: 'picky' }))
    expect(await stored()).toEqual(before)
  })
})

import {
  DeleteFunctionCommand,
  GetFunctionConfigurationCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  create,
  invoke,
  nodeFunction,
  removeFolders,
  startManaged,
  temporaryFolder,
  updated,
  zipOf,
  type ManagedHost,
} from './host.ts'

let managed: ManagedHost
beforeAll(async () => {
  managed = await startManaged()
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

const answering = (text: string) => zipOf({ 'index.mjs': `export const handler = () => ${JSON.stringify(text)}` })
const failing = (name: string, message?: string) =>
  expect.objectContaining({
    name,
    ...(message !== undefined && { message: expect.stringContaining(message) as string }),
  }) as unknown

async function changeCode(name: string, text: string, more: object = {}) {
  const result = await managed.client.send(
    new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile: await answering(text), ...more }),
  )
  await updated(managed.client, name)
  return result
}

describe('UpdateFunctionCode', () => {
  it('swaps the code without a failed request under load', async () => {
    const { client } = managed
    await create(client, await nodeFunction('swapped', 'export const handler = () => "one"'))
    const seen: unknown[] = []
    const load = new AbortController()
    const clients = Promise.all(
      Array.from({ length: 8 }, async () => {
        while (!load.signal.aborted) seen.push((await invoke(client, 'swapped')).value)
      }),
    )
    const result = await changeCode('swapped', 'two')
    expect(result).toMatchObject({ LastUpdateStatus: 'InProgress', State: 'Active' })
    expect((await invoke(client, 'swapped')).value).toBe('two')
    load.abort()
    await clients
    expect(new Set(seen)).toEqual(new Set(['one', 'two']))
  })

  it('changes nothing with DryRun, and nothing for a stale RevisionId', async () => {
    const { client } = managed
    const created = await create(client, await nodeFunction('careful', 'export const handler = () => "first"'))
    const dry = await client.send(
      new UpdateFunctionCodeCommand({ FunctionName: 'careful', ZipFile: await answering('dry'), DryRun: true }),
    )
    expect(dry.CodeSha256).not.toBe(created.CodeSha256)
    const stale = new UpdateFunctionCodeCommand({
      FunctionName: 'careful',
      ZipFile: await answering('stale'),
      RevisionId: 'other',
    })
    await expect(client.send(stale)).rejects.toEqual(
      failing('PreconditionFailedException', 'The Revision Id provided does not match'),
    )
    expect((await invoke(client, 'careful')).value).toBe('first')
    const { RevisionId } = await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'careful' }))
    expect(RevisionId).toBe(created.RevisionId)
    await changeCode('careful', 'second', { RevisionId })
    expect((await invoke(client, 'careful')).value).toBe('second')
  })

  it('lets one of several concurrent updates with one RevisionId through', async () => {
    const { client } = managed
    const { RevisionId } = await create(client, await nodeFunction('raced', 'export const handler = () => 0'))
    const zips = await Promise.all(['a', 'b', 'c', 'd'].map(answering))
    const results = await Promise.allSettled(
      zips.map((ZipFile) => client.send(new UpdateFunctionCodeCommand({ FunctionName: 'raced', ZipFile, RevisionId }))),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected')
        expect(['PreconditionFailedException', 'ResourceConflictException']).toContain((result.reason as Error).name)
  })

  it('keeps what it had when the new code fails, says why, and recovers', async () => {
    const { client } = managed
    await create(client, await nodeFunction('sturdy', 'export const handler = () => "good"'))
    const bad = await zipOf({ 'index.mjs': 'throw new Error("bad code")' })
    await client.send(new UpdateFunctionCodeCommand({ FunctionName: 'sturdy', ZipFile: bad }))
    await expect(updated(client, 'sturdy')).rejects.toThrow('FAILURE')
    const now = await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'sturdy' }))
    expect(now).toMatchObject({
      State: 'Active',
      LastUpdateStatus: 'Failed',
      LastUpdateStatusReason: expect.stringContaining('bad code') as string,
    })
    expect((await invoke(client, 'sturdy')).value).toBe('good')
    await expect(client.send(new PublishVersionCommand({ FunctionName: 'sturdy' }))).rejects.toEqual(
      failing('ResourceConflictException'),
    )
    await changeCode('sturdy', 'better')
    expect((await invoke(client, 'sturdy')).value).toBe('better')
  })
})

describe('UpdateFunctionConfiguration', () => {
  it('changes what is given and keeps the rest', async () => {
    const { client } = managed
    const created = await create(
      client,
      await nodeFunction(
        'configured',
        'export const handler = () => [process.env.AA ?? null, process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE]',
        {
          Description: 'kept',
          Environment: { Variables: { AA: '1' } },
        },
      ),
    )
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'configured', MemorySize: 512, Timeout: 7 }))
    await updated(client, 'configured')
    const now = await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'configured' }))
    expect(now).toMatchObject({
      MemorySize: 512,
      Timeout: 7,
      Description: 'kept',
      CodeSha256: created.CodeSha256,
      Environment: { Variables: { AA: '1' } },
    })
    expect(now.RevisionId).not.toBe(created.RevisionId)
    expect((await invoke(client, 'configured')).value).toEqual(['1', '512'])
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'configured', Environment: { Variables: {} } }))
    await updated(client, 'configured')
    expect((await invoke(client, 'configured')).value).toEqual([null, '512'])
  })

  it('refuses a handler that the zip does not have', async () => {
    const change = new UpdateFunctionConfigurationCommand({ FunctionName: 'configured', Handler: 'other.handler' })
    await expect(managed.client.send(change)).rejects.toEqual(failing('InvalidParameterValueException', 'needs the file other'))
  })
})

describe('versions', () => {
  it('are numbered, never change, and are published only when something has changed', async () => {
    const { client } = managed
    await create(client, await nodeFunction('released', 'export const handler = () => "one"'))
    const first = await client.send(new PublishVersionCommand({ FunctionName: 'released', Description: 'the first' }))
    expect(first).toMatchObject({ Version: '1', Description: 'the first', State: 'Active', $metadata: { httpStatusCode: 201 } })
    expect((await client.send(new PublishVersionCommand({ FunctionName: 'released' }))).Version).toBe('1')
    const published = await changeCode('released', 'two', { Publish: true })
    expect(published.Version).toBe('2')
    expect(await invoke(client, 'released', undefined, { Qualifier: '1' })).toMatchObject({ value: 'one', version: '1' })
    expect(await invoke(client, 'released:2')).toMatchObject({ value: 'two', version: '2' })
    const { Versions = [], NextMarker } = await client.send(
      new ListVersionsByFunctionCommand({ FunctionName: 'released', MaxItems: 2 }),
    )
    expect(Versions.map(({ Version }) => Version)).toEqual(['$LATEST', '1'])
    const rest = await client.send(new ListVersionsByFunctionCommand({ FunctionName: 'released', Marker: NextMarker }))
    expect(rest.Versions?.map(({ Version }) => Version)).toEqual(['2'])
    expect(rest.NextMarker).toBeUndefined()
  })

  it('can be deleted one by one, and their numbers are not given again', async () => {
    const { client } = managed
    await client.send(new DeleteFunctionCommand({ FunctionName: 'released', Qualifier: '2' }))
    await expect(invoke(client, 'released:2')).rejects.toEqual(failing('ResourceNotFoundException'))
    expect((await client.send(new PublishVersionCommand({ FunctionName: 'released' }))).Version).toBe('3')
  })

  it('refuse another CodeSha256 than that of $LATEST', async () => {
    const publish = new PublishVersionCommand({ FunctionName: 'released', CodeSha256: 'other' })
    await expect(managed.client.send(publish)).rejects.toEqual(
      failing('InvalidParameterValueException', 'CodeSHA256 (other) is different'),
    )
  })
})

describe('a host that is started again', () => {
  it('has every function, loads none before it is used, and takes up what was pending', async () => {
    const dataDir = await temporaryFolder()
    const before = await startManaged({ dataDir })
    await create(
      before.client,
      await nodeFunction('kept', 'export const handler = () => process.env.WORD', {
        Environment: { Variables: { WORD: 'kept' } },
        Publish: true,
      }),
    )
    await before.client.send(
      new UpdateFunctionCodeCommand({
        FunctionName: 'kept',
        ZipFile: await zipOf({ 'index.mjs': 'export const handler = () => "new " + process.env.WORD' }),
      }),
    )
    await before.stop()
    const after = await startManaged({ dataDir })
    try {
      await updated(after.client, 'kept')
      expect((await invoke(after.client, 'kept')).value).toBe('new kept')
      expect((await invoke(after.client, 'kept:1')).value).toBe('kept')
    } finally {
      await after.stop()
    }
  })

  it('keeps a second host out of its folder', async () => {
    await expect(startManaged({ dataDir: managed.folder })).rejects.toMatchObject({ code: 'AddressInUse' })
  })
})

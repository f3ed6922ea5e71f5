import {
  CreateAliasCommand,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  GetAliasCommand,
  ListAliasesCommand,
  paginateListAliases,
  PublishVersionCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { create, invoke, nodeFunction, removeFolders, startManaged, updated, zipOf, type ManagedHost } from './host.ts'

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function'

let managed: ManagedHost
beforeAll(async () => {
  managed = await startManaged()
  const { client } = managed
  await create(client, await nodeFunction('shop', answering(1), { Publish: true }))
  await publish('shop', 2)
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

function answering(version: number): string {
  return `export const handler = (event, { functionVersion, invokedFunctionArn }) => [${version}, functionVersion, invokedFunctionArn]`
}

async function publish(name: string, version: number): Promise<void> {
  const { client } = managed
  const ZipFile = await zipOf({ 'index.mjs': answering(version) })
  await client.send(new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile, Publish: true }))
  await updated(client, name)
}

const failing = (name: string, message: string) =>
  expect.objectContaining({ name, message: expect.stringContaining(message) as string }) as unknown

describe('aliases', () => {
  it('lead to a version, also $LATEST, and say so', async () => {
    const { client } = managed
    const live = { FunctionName: 'shop', Name: 'live' }
    const created = await client.send(
      new CreateAliasCommand({ ...live, FunctionVersion: '1', Description: 'what customers see' }),
    )
    expect(created).toMatchObject({
      AliasArn: `${ARN}:shop:live`,
      Name: 'live',
      FunctionVersion: '1',
      Description: 'what customers see',
      $metadata: { httpStatusCode: 201 },
    })
    expect(created.RoutingConfig).toBeUndefined()
    expect(await client.send(new GetAliasCommand(live))).toMatchObject({ FunctionVersion: '1', RevisionId: created.RevisionId })
    expect(await invoke(client, 'shop:live')).toMatchObject({ value: [1, '1', `${ARN}:shop:live`], version: '1' })
    await client.send(new CreateAliasCommand({ FunctionName: `${ARN}:shop`, Name: 'next', FunctionVersion: '$LATEST' }))
    expect(await invoke(client, 'shop', undefined, { Qualifier: 'next' })).toMatchObject({ version: '$LATEST' })
  })

  it('move at once, for whoever knows their last RevisionId', async () => {
    const { client } = managed
    const live = { FunctionName: 'shop', Name: 'live' }
    const { RevisionId } = await client.send(new GetAliasCommand(live))
    const moved = await client.send(new UpdateAliasCommand({ ...live, FunctionVersion: '2', RevisionId }))
    expect(moved).toMatchObject({ FunctionVersion: '2', Description: 'what customers see' })
    expect(moved.RevisionId).not.toBe(RevisionId)
    for (let i = 0; i < 10; i++) expect((await invoke(client, 'shop:live')).version).toBe('2')
    await expect(client.send(new UpdateAliasCommand({ ...live, FunctionVersion: '1', RevisionId }))).rejects.toEqual(
      failing('PreconditionFailedException', 'The Revision Id provided does not match'),
    )
    expect((await invoke(client, 'shop:live')).version).toBe('2')
  })

  it('split their invocations by weight, and stop when they are told to', async () => {
    const { client } = managed
    const split = { FunctionName: 'shop', Name: 'split' }
    const routing = { AdditionalVersionWeights: { '2': 0.3 } }
    const created = await client.send(new CreateAliasCommand({ ...split, FunctionVersion: '1', RoutingConfig: routing }))
    expect(created.RoutingConfig).toEqual(routing)
    const count = async (times: number): Promise<number> => {
      let second = 0
      let left = times
      const clients = Array.from({ length: 8 }, async () => {
        while (left-- > 0) {
          const { value, version } = await invoke(client, 'shop:split')
          expect((value as unknown[])[1]).toBe(version)
          if (version === '2') second++
        }
      })
      await Promise.all(clients)
      return second
    }
    // Five standard deviations of a fair draw are 0.3 ± 0.08.
    const share = (await count(800)) / 800
    expect(share).toBeGreaterThan(0.22)
    expect(share).toBeLessThan(0.38)
    await client.send(new UpdateAliasCommand({ ...split, RoutingConfig: { AdditionalVersionWeights: { '2': 1 } } }))
    expect(await count(40)).toBe(40)
    await client.send(new UpdateAliasCommand({ ...split, RoutingConfig: {} }))
    expect(await count(40)).toBe(0)
    expect((await client.send(new GetAliasCommand(split))).RoutingConfig).toBeUndefined()
  })

  it('are listed page by page, and by the version that they lead to', async () => {
    const { client } = managed
    await client.send(
      new UpdateAliasCommand({
        FunctionName: 'shop',
        Name: 'split',
        RoutingConfig: { AdditionalVersionWeights: { '2': 0.5 } },
      }),
    )
    const names: (string | undefined)[] = []
    for await (const { Aliases = [] } of paginateListAliases({ client, pageSize: 1 }, { FunctionName: 'shop' }))
      names.push(...Aliases.map(({ Name }) => Name))
    expect(names).toEqual(['live', 'next', 'split'])
    const leading = async (FunctionVersion: string) =>
      (await client.send(new ListAliasesCommand({ FunctionName: 'shop', FunctionVersion }))).Aliases?.map(({ Name }) => Name)
    expect(await leading('2')).toEqual(['live', 'split'])
    expect(await leading('1')).toEqual(['split'])
    expect(await leading('$LATEST')).toEqual(['next'])
  })

  it('keep the versions that they lead to from being deleted', async () => {
    const { client } = managed
    for (const Qualifier of ['1', '2'])
      await expect(client.send(new DeleteFunctionCommand({ FunctionName: 'shop', Qualifier }))).rejects.toEqual(
        failing('ResourceConflictException', `${ARN}:shop:split`),
      )
  })

  const aliasOf = (FunctionVersion: string, weights?: Record<string, number>, Name = 'refused') => ({
    FunctionName: 'shop',
    Name,
    FunctionVersion,
    ...(weights !== undefined && { RoutingConfig: { AdditionalVersionWeights: weights } }),
  })
  it.each([
    [aliasOf('9'), 'ResourceNotFoundException', `Function not found: ${ARN}:shop:9`],
    [aliasOf('1', { '9': 0.5 }), 'ResourceNotFoundException', `Function not found: ${ARN}:shop:9`],
    [aliasOf('1', undefined, 'live'), 'ResourceConflictException', `Alias already exists: ${ARN}:shop:live`],
    [aliasOf('1', { '1': 0.5 }), 'InvalidParameterValueException', 'already included in routing configuration'],
    [
      aliasOf('$LATEST', { '1': 0.5 }),
      'InvalidParameterValueException',
      '$LATEST is not supported for an alias pointing to more',
    ],
    [aliasOf('1', { '2': 0.1, '3': 0.1 }), 'InvalidParameterValueException', 'cannot be greater than 1'],
    [aliasOf('1', { '2': 1.5 }), 'ValidationException', 'less than or equal to 1'],
    [aliasOf('1', { $LATEST: 0.5 }), 'ValidationException', 'regular expression pattern'],
    [aliasOf('1', undefined, '77'), 'ValidationException', "'name' failed to satisfy constraint"],
    [{ ...aliasOf('1'), FunctionName: 'nowhere' }, 'ResourceNotFoundException', 'Function not found'],
  ])('refuses %o', async (input, name, message) => {
    await expect(managed.client.send(new CreateAliasCommand(input))).rejects.toEqual(failing(name, message))
  })

  it('refuses to split between versions with different roles', async () => {
    const { client } = managed
    await client.send(
      new UpdateFunctionConfigurationCommand({ FunctionName: 'shop', Role: 'arn:aws:iam::000000000000:role/other' }),
    )
    await updated(client, 'shop')
    const { Version = '' } = await client.send(new PublishVersionCommand({ FunctionName: 'shop' }))
    await expect(client.send(new CreateAliasCommand(aliasOf('1', { [Version]: 0.5 })))).rejects.toEqual(
      failing('InvalidParameterValueException', 'different execution roles'),
    )
  })

  it('are gone when they are deleted, which may be asked for twice', async () => {
    const { client } = managed
    const next = { FunctionName: 'shop', Name: 'next' }
    for (let i = 0; i < 2; i++) expect((await client.send(new DeleteAliasCommand(next))).$metadata.httpStatusCode).toBe(204)
    await expect(invoke(client, 'shop:next')).rejects.toEqual(failing('ResourceNotFoundException', `${ARN}:shop:next`))
    for (const command of [new GetAliasCommand(next), new UpdateAliasCommand({ ...next, FunctionVersion: '1' })])
      await expect(client.send(command)).rejects.toEqual(
        failing('ResourceNotFoundException', `Cannot find alias arn: ${ARN}:shop:next`),
      )
  })
})

it('serves every request while code is published and an alias moves, each by one whole version', async () => {
  const { client } = managed
  await create(client, await nodeFunction('busy', answering(1), { Publish: true }))
  const live = { FunctionName: 'busy', Name: 'live' }
  await client.send(new CreateAliasCommand({ ...live, FunctionVersion: '1' }))
  const seen = new Set<string>()
  const load = new AbortController()
  const clients = ['busy:live', 'busy', 'busy:1', 'busy:live', 'busy'].map(async (name) => {
    while (!load.signal.aborted) {
      const { value, version, error } = await invoke(client, name)
      expect(error).toBeUndefined()
      const [code, ran] = value as [number, string]
      expect(ran).toBe(version)
      if (version !== '$LATEST') expect(code).toBe(Number(version))
      if (name === 'busy:1') expect(version).toBe('1')
      seen.add(String(version))
    }
  })
  const changes = async (): Promise<void> => {
    for (let version = 2; version <= 5; version++) {
      await publish('busy', version)
      await expect.poll(async () => (await invoke(client, `busy:${version}`)).version, { timeout: 30_000 }).toBe(String(version))
      await client.send(new UpdateAliasCommand({ ...live, RoutingConfig: { AdditionalVersionWeights: { [version]: 0.5 } } }))
      await client.send(new UpdateAliasCommand({ ...live, FunctionVersion: String(version), RoutingConfig: {} }))
    }
  }
  await changes().finally(() => load.abort())
  await Promise.all(clients)
  expect(seen).toEqual(new Set(['$LATEST', '1', '2', '3', '4', '5']))
})

import {
  CreateAliasCommand,
  DeleteAliasCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteProvisionedConcurrencyConfigCommand,
  GetAccountSettingsCommand,
  GetProvisionedConcurrencyConfigCommand,
  InvokeCommand,
  ListProvisionedConcurrencyConfigsCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
  UpdateAliasCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { create, invoke, nodeFunction, removeFolders, startManaged, temporaryFolder, updated, type ManagedHost } from './host.ts'

const SOURCE = `export const handler = async ({ holdMs = 0 }) => {
  if (holdMs > 0) await new Promise((resolve) => setTimeout(resolve, holdMs))
  return 'done'
}`

let managed: ManagedHost
beforeAll(async () => {
  managed = await startManaged({ accountConcurrency: 130 })
  const { client } = managed
  await create(client, await nodeFunction('ready', SOURCE, { Publish: true, Timeout: 60 }))
  await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'ready', Description: 'second', MemorySize: 256 }))
  await updated(client, 'ready')
  await client.send(new PublishVersionCommand({ FunctionName: 'ready' }))
  await client.send(new CreateAliasCommand({ FunctionName: 'ready', Name: 'live', FunctionVersion: '2' }))
  await client.send(new CreateAliasCommand({ FunctionName: 'ready', Name: 'latest', FunctionVersion: '$LATEST' }))
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

const put = (Qualifier: string, ProvisionedConcurrentExecutions: number) =>
  managed.client.send(
    new PutProvisionedConcurrencyConfigCommand({ FunctionName: 'ready', Qualifier, ProvisionedConcurrentExecutions }),
  )
const get = (Qualifier: string) =>
  managed.client.send(new GetProvisionedConcurrencyConfigCommand({ FunctionName: 'ready', Qualifier }))
const remove = (Qualifier: string) =>
  managed.client.send(new DeleteProvisionedConcurrencyConfigCommand({ FunctionName: 'ready', Qualifier }))
const POLL = { timeout: 60_000 }
const counts = (requested: number, allocated = requested, available = allocated) => ({
  RequestedProvisionedConcurrentExecutions: requested,
  AllocatedProvisionedConcurrentExecutions: allocated,
  AvailableProvisionedConcurrentExecutions: available,
})
const failing = (name: string, message: string) =>
  expect.objectContaining({ name, message: expect.stringContaining(message) as string }) as unknown
const unreserved = async () =>
  (await managed.client.send(new GetAccountSettingsCommand({}))).AccountLimit?.UnreservedConcurrentExecutions

/** Has `count` invocations running until the returned function is called. */
function hold(qualifier: string, count: number): () => Promise<void> {
  const ends = new AbortController()
  const command = new InvokeCommand({ FunctionName: 'ready', Qualifier: qualifier, Payload: '{"holdMs":60000}' })
  // Other requests may have taken the place for a moment.
  const held = Array.from({ length: count }, async () => {
    while (!ends.signal.aborted) await managed.client.send(command, { abortSignal: ends.signal }).catch(() => undefined)
  })
  return async () => {
    ends.abort()
    await Promise.all(held)
  }
}

describe('provisioned concurrency', () => {
  it('makes so many instances ready before any request, tells how far it is, and takes them from the rest', async () => {
    const asked = await put('1', 3)
    expect(asked).toMatchObject({ RequestedProvisionedConcurrentExecutions: 3, $metadata: { httpStatusCode: 202 } })
    expect(['IN_PROGRESS', 'READY']).toContain(asked.Status)
    await expect.poll(() => get('1'), POLL).toMatchObject({ ...counts(3), Status: 'READY' })
    expect(await unreserved()).toBe(127)
  })

  it('tells which instances are in use', async () => {
    const release = hold('1', 2)
    await expect.poll(() => get('1'), POLL).toMatchObject({ ...counts(3, 3, 1), Status: 'READY' })
    await release()
    await expect.poll(() => get('1'), POLL).toMatchObject(counts(3))
  })

  it('follows an alias to where it leads, by its weights, before its invocations go there', async () => {
    const { client } = managed
    await remove('1')
    await put('live', 4)
    await expect.poll(() => get('live'), POLL).toMatchObject({ ...counts(4), Status: 'READY' })
    const live = { FunctionName: 'ready', Name: 'live' }
    await client.send(new UpdateAliasCommand({ ...live, FunctionVersion: '1' }))
    expect(await get('live')).toMatchObject({ ...counts(4), Status: 'READY' })
    await client.send(new UpdateAliasCommand({ ...live, RoutingConfig: { AdditionalVersionWeights: { '2': 0.25 } } }))
    expect(await get('live')).toMatchObject({ ...counts(4), Status: 'READY' })
    await client.send(new UpdateAliasCommand({ ...live, RoutingConfig: {} }))
    expect((await invoke(client, 'ready:live', {})).value).toBe('done')
  })

  it('is listed with the ARN of what it is for', async () => {
    await put('2', 1)
    await expect.poll(() => get('2'), POLL).toMatchObject({ Status: 'READY' })
    const list = new ListProvisionedConcurrencyConfigsCommand({ FunctionName: 'ready', MaxItems: 1 })
    const first = await managed.client.send(list)
    expect(first.ProvisionedConcurrencyConfigs).toMatchObject([
      { FunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:ready:2', ...counts(1), Status: 'READY' },
    ])
    const rest = await managed.client.send(
      new ListProvisionedConcurrencyConfigsCommand({ FunctionName: 'ready', Marker: first.NextMarker }),
    )
    expect(rest.ProvisionedConcurrencyConfigs?.map(({ FunctionArn }) => FunctionArn?.split(':').at(-1))).toEqual(['live'])
    await remove('2')
  })

  it.each([
    ['$LATEST', 1, 'InvalidParameterValueException', 'cannot be applied to unpublished function versions'],
    ['latest', 1, 'InvalidParameterValueException', 'cannot be applied to unpublished function versions'],
    ['9', 1, 'ResourceNotFoundException', 'Function not found'],
    ['1', 1, 'InvalidParameterValueException', 'Version is pointed by a Provisioned Concurrency alias'],
    ['2', 27, 'InvalidParameterValueException', 'UnreservedConcurrentExecution below its minimum value of [100]'],
    ['2', 0, 'ValidationException', 'greater than or equal to 1'],
  ])('refuses %s with %i: %s, %s', async (qualifier, count, name, message) => {
    await expect(put(qualifier, count)).rejects.toEqual(failing(name, message))
  })

  it('is part of what is reserved for the function, which neither may exceed', async () => {
    const { client } = managed
    const reserve = (ReservedConcurrentExecutions: number) =>
      client.send(new PutFunctionConcurrencyCommand({ FunctionName: 'ready', ReservedConcurrentExecutions }))
    await expect(reserve(3)).rejects.toEqual(failing('InvalidParameterValueException', 'total provisioned concurrency [4]'))
    await reserve(5)
    expect(await unreserved()).toBe(125)
    await expect(put('live', 6)).rejects.toEqual(
      failing('InvalidParameterValueException', 'should not be greater than the reservedConcurrentExecution'),
    )
    const release = hold('live', 5)
    await expect
      .poll(() => invoke(client, 'ready:live', {}).catch((error: unknown) => error), { timeout: 30_000 })
      .toMatchObject({ name: 'TooManyRequestsException', Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' })
    await release()
    await client.send(new DeleteFunctionConcurrencyCommand({ FunctionName: 'ready' }))
    expect(await unreserved()).toBe(126)
  })

  it('is made ready by a host that is started again, before anything is invoked', async () => {
    await managed.stop()
    managed = await startManaged({ accountConcurrency: 130, dataDir: managed.folder })
    await expect.poll(() => get('live'), POLL).toMatchObject({ ...counts(4), Status: 'READY' })
  })

  it('goes with its configuration and with its alias', async () => {
    expect((await remove('live')).$metadata.httpStatusCode).toBe(204)
    await expect(get('live')).rejects.toEqual(
      failing('ProvisionedConcurrencyConfigNotFoundException', 'No Provisioned Concurrency Config found for this function'),
    )
    await put('live', 2)
    await managed.client.send(new DeleteAliasCommand({ FunctionName: 'ready', Name: 'live' }))
    expect(await unreserved()).toBe(130)
    await expect(get('live')).rejects.toEqual(failing('ProvisionedConcurrencyConfigNotFoundException', 'No Provisioned'))
  })
})

it('says that it has failed, and why, where there is no memory for the instances', async () => {
  const folder = await temporaryFolder()
  await writeFile(`${folder}/ampoule.jsonc`, '{"memoryCeilingMb": 64, "functions": {}}')
  const small = await startManaged({ dataDir: folder })
  try {
    const { client } = small
    await create(client, await nodeFunction('large', SOURCE, { Publish: true }))
    const config = { FunctionName: 'large', Qualifier: '1' }
    await client.send(new PutProvisionedConcurrencyConfigCommand({ ...config, ProvisionedConcurrentExecutions: 500 }))
    await expect
      .poll(() => client.send(new GetProvisionedConcurrencyConfigCommand(config)), { timeout: 60_000 })
      .toMatchObject({ Status: 'FAILED', StatusReason: expect.stringContaining('memoryCeilingMb') as string })
    const { AllocatedProvisionedConcurrentExecutions: allocated } = await client.send(
      new GetProvisionedConcurrencyConfigCommand(config),
    )
    expect(allocated).toBeGreaterThan(0)
    expect(allocated).toBeLessThan(500)
  } finally {
    await small.stop()
  }
})

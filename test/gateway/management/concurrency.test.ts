import {
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  GetAccountSettingsCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  InvokeCommand,
  PutFunctionConcurrencyCommand,
  type LambdaClient,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { create, invoke, nodeFunction, removeFolders, startManaged, type ManagedHost } from './host.ts'

/** Holds for `holdMs`, then says when it ran. */
const HOLDING = `export const handler = async ({ holdMs = 0 }) => {
  const from = Date.now()
  if (holdMs > 0) await new Promise((resolve) => setTimeout(resolve, holdMs))
  return [from, Date.now()]
}`
const HOLD_MS = 60_000
const RESERVED = 'ReservedFunctionConcurrentInvocationLimitExceeded'
const SHARED = 'ConcurrentInvocationLimitExceeded'

const failing = (name: string, message: string) =>
  expect.objectContaining({ name, message: expect.stringContaining(message) as string }) as unknown

/** `Reason` of the throttle, or what it answered with. */
async function attempt(client: LambdaClient, name: string): Promise<unknown> {
  try {
    await invoke(client, name, {})
    return 'ran'
  } catch (error) {
    expect(error).toMatchObject({ name: 'TooManyRequestsException', $metadata: { httpStatusCode: 429 } })
    return (error as { readonly Reason?: string }).Reason
  }
}

/** Has `count` invocations running until the returned function is called. */
async function hold(client: LambdaClient, name: string, count: number, reason: string): Promise<() => Promise<void>> {
  const ends = new AbortController()
  const command = new InvokeCommand({ FunctionName: name, Payload: JSON.stringify({ holdMs: HOLD_MS }) })
  // An attempt below may have taken the place for a moment.
  const held = Array.from({ length: count }, async () => {
    while (!ends.signal.aborted) await client.send(command, { abortSignal: ends.signal }).catch(() => undefined)
  })
  await expect.poll(() => attempt(client, name), { timeout: 30_000 }).toBe(reason)
  return async () => {
    ends.abort()
    await Promise.all(held)
    await expect.poll(() => attempt(client, name), { timeout: 30_000 }).toBe('ran')
  }
}

describe('reserved concurrency', () => {
  let managed: ManagedHost
  beforeAll(async () => {
    managed = await startManaged({ accountConcurrency: 110 })
    for (const name of ['held', 'other']) await create(managed.client, await nodeFunction(name, HOLDING, { Timeout: 60 }))
  })
  afterAll(async () => {
    await managed.stop()
    await removeFolders()
  })
  const reserve = (FunctionName: string, ReservedConcurrentExecutions: number) =>
    managed.client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }))
  const unreserved = async () =>
    (await managed.client.send(new GetAccountSettingsCommand({}))).AccountLimit?.UnreservedConcurrentExecutions

  it('is kept, shown, and taken from what others may have', async () => {
    const { client } = managed
    expect(await client.send(new GetFunctionConcurrencyCommand({ FunctionName: 'held' }))).not.toHaveProperty(
      'ReservedConcurrentExecutions',
    )
    expect(await reserve('held', 4)).toMatchObject({ ReservedConcurrentExecutions: 4, $metadata: { httpStatusCode: 200 } })
    expect(await client.send(new GetFunctionConcurrencyCommand({ FunctionName: 'held' }))).toMatchObject({
      ReservedConcurrentExecutions: 4,
    })
    expect((await client.send(new GetFunctionCommand({ FunctionName: 'held' }))).Concurrency).toEqual({
      ReservedConcurrentExecutions: 4,
    })
    const { AccountLimit, AccountUsage } = await client.send(new GetAccountSettingsCommand({}))
    expect(AccountLimit).toMatchObject({ ConcurrentExecutions: 110, UnreservedConcurrentExecutions: 106 })
    const sizes = await Promise.all(
      ['held', 'other'].map(
        async (FunctionName) =>
          (await client.send(new GetFunctionCommand({ FunctionName }))).Configuration?.CodeSize ?? Number.NaN,
      ),
    )
    expect(AccountUsage).toEqual({ FunctionCount: 2, TotalCodeSize: sizes.reduce((sum, size) => sum + size, 0) })
  })

  it('lets exactly so many run over all lanes, answers the rest with 429 and the reason, and leaves others alone', async () => {
    const { client } = managed
    const release = await hold(client, 'held', 4, RESERVED)
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => attempt(client, 'held'))))).toEqual(new Set([RESERVED]))
    expect(await attempt(client, 'other')).toBe('ran')
    await reserve('held', 5)
    expect(await attempt(client, 'held')).toBe('ran')
    await reserve('held', 4)
    expect(await attempt(client, 'held')).toBe(RESERVED)
    await release()
  })

  it('is never exceeded under load', async () => {
    const { client } = managed
    const spans: [number, number][] = []
    let throttled = 0
    await Promise.all(
      Array.from({ length: 24 }, async () => {
        for (let i = 0; i < 10; i++) {
          try {
            spans.push((await invoke(client, 'held', { holdMs: 20 })).value as [number, number])
          } catch (error) {
            expect(error).toMatchObject({ name: 'TooManyRequestsException', Reason: RESERVED })
            throttled++
          }
        }
      }),
    )
    // One that ends in a millisecond may be followed by one that begins in it.
    const most = Math.max(
      ...spans.map(([from]) => spans.filter(([otherFrom, otherTo]) => otherFrom <= from && from < otherTo).length),
    )
    expect(most).toBeLessThanOrEqual(4)
    expect(spans.length).toBeGreaterThan(0)
    expect(spans.length + throttled).toBe(240)
  })

  it('lets nothing run when it is 0, and everything again when it is deleted', async () => {
    const { client } = managed
    await reserve('other', 0)
    expect(await attempt(client, 'other')).toBe(RESERVED)
    const deleted = await client.send(new DeleteFunctionConcurrencyCommand({ FunctionName: 'other' }))
    expect(deleted.$metadata.httpStatusCode).toBe(204)
    expect(await attempt(client, 'other')).toBe('ran')
  })

  it('leaves 100 to functions without it, also when several ask at once', async () => {
    const { client } = managed
    await expect(reserve('other', 7)).rejects.toEqual(
      failing('InvalidParameterValueException', 'UnreservedConcurrentExecution below its minimum value of [100]'),
    )
    const names = ['a', 'b', 'c', 'd']
    for (const name of names) await create(client, await nodeFunction(name, HOLDING))
    const results = await Promise.allSettled(names.map((name) => reserve(name, 3)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    expect(await unreserved()).toBe(100)
    for (const FunctionName of names) await client.send(new DeleteFunctionCommand({ FunctionName }))
    expect(await unreserved()).toBe(106)
  })

  it('refuses functions that are not there and names of versions', async () => {
    await expect(reserve('nowhere', 1)).rejects.toEqual(failing('ResourceNotFoundException', 'Function not found'))
    await expect(reserve('held:1', 1)).rejects.toEqual(failing('InvalidParameterValueException', 'qualifier'))
    await expect(reserve('held', -1)).rejects.toEqual(failing('ValidationException', 'greater than or equal to 0'))
  })

  it('holds in a host that is started again', async () => {
    await managed.stop()
    managed = await startManaged({ accountConcurrency: 110, dataDir: managed.folder })
    const release = await hold(managed.client, 'held', 4, RESERVED)
    expect(await attempt(managed.client, 'other')).toBe('ran')
    await release()
  })
})

describe("the account's concurrency", () => {
  it('is shared by all functions without a reservation, to the last one', async () => {
    const managed = await startManaged({ accountConcurrency: 3 })
    try {
      const { client } = managed
      for (const name of ['one', 'two']) await create(client, await nodeFunction(name, HOLDING, { Timeout: 60 }))
      const release = await hold(client, 'one', 3, SHARED)
      expect(await attempt(client, 'two')).toBe(SHARED)
      await release()
      expect(await attempt(client, 'two')).toBe('ran')
    } finally {
      await managed.stop()
    }
  })
})

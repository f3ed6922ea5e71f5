import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  DeleteFunctionCommand,
  InvokeCommand,
  PutFunctionEventInvokeConfigCommand,
  type LambdaClient,
} from '@aws-sdk/client-lambda'
import { afterAll, describe, expect, it } from 'vitest'
import { openSqlite } from '../../../src/store/sqlite/open.ts'
import { createStore } from '../../../src/store/store.ts'
import { create, invoke, nodeFunction, removeFolders, temporaryFolder } from './host.ts'
import { serve, WAIT } from './serve.ts'

afterAll(removeFolders)

const SOURCE = `
export const handler = async (event, context) => {
  if (event.ms) await new Promise((resolve) => setTimeout(resolve, event.ms))
  console.log('ran ' + event.what)
  console.log('request ' + context.awsRequestId)
  if (event.fail) throw new Error('failed on purpose')
}`

const send = (client: LambdaClient, name: string, event: object) =>
  client.send(new InvokeCommand({ FunctionName: name, InvocationType: 'Event', Payload: JSON.stringify(event) }))

const stored = async (folder: string): Promise<number> => {
  const store = createStore(await openSqlite(folder))
  try {
    return (await store.list('event_invocations')).length
  } finally {
    await store.close()
  }
}

describe('Invoke with InvocationType Event', () => {
  it('answers 202 at once with the request id that the function sees, runs once, and leaves nothing behind when it has ended', async () => {
    const folder = await temporaryFolder()
    const host = await serve(folder)
    await create(host.client, await nodeFunction('fn', SOURCE, { Timeout: 30 }))
    const answer = await send(host.client, 'fn', { what: 'first' })
    expect(answer.StatusCode).toBe(202)
    expect(answer.Payload ?? []).toHaveLength(0)
    await expect.poll(() => host.ampoule.stdout, WAIT).toContain(`request ${answer.$metadata.requestId}`)
    await host.client.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'fn', MaximumRetryAttempts: 0 }))
    await send(host.client, 'fn', { what: 'failing', fail: true })
    await expect.poll(host.ran, WAIT).toEqual(['first', 'failing'])
    await host.kill('SIGTERM')
    expect(await stored(folder)).toBe(0)
  })

  it('runs what was accepted before the host was killed', async () => {
    const folder = await temporaryFolder()
    const first = await serve(folder)
    await create(first.client, await nodeFunction('fn', SOURCE, { Timeout: 60 }))
    // More than run at a time, so that some wait; and none of them ends before the kill.
    const names = Array.from({ length: 25 }, (_, index) => `event${index}`)
    for (const what of names) await send(first.client, 'fn', { what, ms: 1_000 })
    await first.kill()
    const ranBefore = first.ran()
    const second = await serve(folder)
    await expect.poll(() => new Set([...ranBefore, ...second.ran()]).size, WAIT).toBe(names.length)
    expect(second.ran().length).toBeGreaterThan(0)
    await second.kill('SIGTERM')
    expect(await stored(folder)).toBe(0)
  })

  it('lets a slow function hold up neither other functions nor answers, and refuses more than the queue holds', async () => {
    const folder = await temporaryFolder()
    const config = join(folder, 'ampoule.jsonc')
    await writeFile(config, JSON.stringify({ maxAsyncEvents: 100, functions: {} }))
    const host = await serve(folder, ['--config', config])
    await create(host.client, await nodeFunction('slow', SOURCE, { Timeout: 60 }))
    await create(host.client, await nodeFunction('quick', SOURCE))
    let refused: unknown
    for (let sent = 0; refused === undefined && sent < 200; sent += 50) {
      const results = await Promise.allSettled(
        Array.from({ length: 50 }, () => send(host.client, 'slow', { what: 'slow', ms: 50_000 })),
      )
      refused = results.find((result) => result.status === 'rejected')?.reason
    }
    expect(refused).toMatchObject({
      name: 'TooManyRequestsException',
      $metadata: { httpStatusCode: 429 },
      message: expect.stringContaining('the limits are 100 of a function and 1000 of all') as string,
    })
    await send(host.client, 'quick', { what: 'quick' })
    await expect.poll(host.ran, WAIT).toEqual(['quick'])
    expect((await invoke(host.client, 'quick', { what: 'answered' })).status).toBe(200)
    await host.client.send(new DeleteFunctionCommand({ FunctionName: 'slow' }))
    await host.kill()
    expect(await stored(folder)).toBe(0)
  })

  it('lets throttled ones wait until there is room', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'one.js'), SOURCE)
    const config = join(folder, 'ampoule.jsonc')
    await writeFile(config, JSON.stringify({ functions: { one: { source: 'one.js', concurrency: 1, timeoutMs: 30_000 } } }))
    const host = await serve(join(folder, 'data'), ['--config', config])
    for (const what of ['a', 'b', 'c']) await send(host.client, 'one', { what, ms: 200 })
    await expect.poll(() => host.ran().toSorted(), WAIT).toEqual(['a', 'b', 'c'])
    await host.kill('SIGTERM')
  })

  it('refuses what could not be run', async () => {
    const host = await serve(await temporaryFolder())
    await create(host.client, await nodeFunction('fn', SOURCE))
    const event = (more: object) => host.client.send(new InvokeCommand({ FunctionName: 'fn', InvocationType: 'Event', ...more }))
    await expect(event({ FunctionName: 'nowhere' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    await expect(event({ Payload: '{' })).rejects.toMatchObject({ name: 'InvalidRequestContentException' })
    await expect(event({ Payload: JSON.stringify('x'.repeat(1024 * 1024)) })).rejects.toMatchObject({
      name: 'RequestTooLargeException',
      $metadata: { httpStatusCode: 413 },
    })
    await host.kill()
  })
})

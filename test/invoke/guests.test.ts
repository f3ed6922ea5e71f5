import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JavaScriptEngine } from '../../src/build/contract.ts'
import { deployFunctions, loadConfiguration } from '../../src/deploy.ts'
import { failuresAfter } from '../../src/invoke/batch-answer.ts'
import { readQueueBatch, readScheduleTick, readStreamBatch } from '../../src/invoke/batch-input.ts'
import { invokeQueue, invokeScheduled, invokeStream } from '../../src/invoke/batch.ts'
import { GuestError } from '../../src/invoke/failure.ts'
import { Invocation } from '../../src/invoke/invocation.ts'
import { invokeValue } from '../../src/invoke/invoke.ts'
import { LocalEngines, openLocal, type LocalFunction } from '../../src/local.ts'
import { SourceMaps } from '../../src/observe/source-map.ts'
import { CACHE } from '../guests/cache.ts'

/** Building an engine, where it is not there yet, takes a minute on a busy machine. */
const BUILD_MS = 300_000

const batch = (...bodies: unknown[]) =>
  readQueueBatch({ queue: 'orders', messages: bodies.map((body, i) => ({ id: `m${i}`, body: JSON.stringify(body) })) }, 0)

describe.each(['starlingmonkey', 'quickjs'] as const)('a function with every handler, on %s,', (engine: JavaScriptEngine) => {
  const engines = new LocalEngines()
  let target: LocalFunction
  let lines: string[] = []

  const invocation = (): Invocation => {
    lines = []
    return new Invocation('worker', {
      observe: (record) => record.type === 'log' && lines.push(record.message),
      reports: 'failures',
      now: Date.now,
      sourceMaps: new SourceMaps(),
    })
  }

  beforeAll(async () => {
    const folder = new URL(`all-handlers-${engine}/`, CACHE)
    await mkdir(folder, { recursive: true })
    const file = fileURLToPath(new URL('ampoule.json', folder))
    const source = fileURLToPath(new URL('../guests/javascript/all-handlers.ts', import.meta.url))
    const worker = { source, engine, environment: { WHO: 'me' }, timeoutMs: 30_000, memoryMb: 200 }
    await writeFile(file, JSON.stringify({ functions: { worker } }))
    const configuration = await loadConfiguration(file)
    const [deployed] = await deployFunctions(configuration.functions, configuration)
    const [settings] = configuration.functions
    if (deployed === undefined || settings === undefined) throw new Error('nothing was deployed')
    target = await openLocal(settings, deployed, engines)
  }, BUILD_MS)

  afterAll(async () => {
    await target.close()
    await engines.close()
  })

  test('gets messages and says which come again', async () => {
    const { answer } = await invokeQueue(target, invocation(), batch('a', 'later', 'wait', { ü: '\u{1f600}' }))
    expect(answer.failures).toEqual([{ id: 'm1', delaySeconds: 7 }, { id: 'm2' }])
    expect(lines).toEqual(['orders 1 "a"', 'orders 1 "later"', 'orders 1 "wait"', 'orders 1 {"ü":"\u{1f600}"}'])
  })

  test('keeps what it acknowledged when it fails, and tells the cause of the failure', async () => {
    const messages = batch('done', 'throw', 'a')
    const error: unknown = await invokeQueue(target, invocation(), messages).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(GuestError)
    if (!(error instanceof GuestError)) return
    expect(failuresAfter(error, ['m0', 'm1', 'm2'])).toEqual([{ id: 'm1' }, { id: 'm2' }])
    expect(error.details).toMatchObject({ name: 'TypeError', message: 'outer' })
    expect(error.details.stack).toMatch(
      /all-handlers\.ts:\d+:\d+[^]*\nCaused by: RangeError: inner\n[^]*all-handlers\.ts:\d+:\d+/,
    )
  })

  test('gets records with their bytes, and says from where on they come again', async () => {
    const records = readStreamBatch({ stream: 'clicks', records: ['é', { base64: '//5B', key: 'k' }, 'bad', 'x'] }, 0)
    const { answer } = await invokeStream(target, invocation(), records)
    expect(answer).toEqual({ failedFrom: '3' })
    expect(lines).toEqual(['clicks  é 2', 'clicks k \ufffd\ufffdA 3', 'clicks  bad 3', 'clicks  x 1'])
    expect((await invokeStream(target, invocation(), readStreamBatch(['x'], 0))).answer).toEqual({ failedFrom: undefined })
  })

  test('gets the ticks of a schedule', async () => {
    const tick = readScheduleTick({ schedule: 'nightly', cron: '0 3 * * *', time: '2026-01-02T03:00:00Z' }, 0)
    expect((await invokeScheduled(target, invocation(), tick)).answer).toBeUndefined()
    expect(lines).toEqual(['nightly 0 3 * * * 2026-01-02T03:00:00.000Z'])
    await expect(invokeScheduled(target, invocation(), readScheduleTick({ cron: 'never' }, 0))).rejects.toMatchObject({
      code: 'FunctionError',
    })
  })

  test('was prepared once, is refreshed in each invocation, and gets Lambda’s context', async () => {
    const expected = {
      prepared: 'for me',
      invocations: 1,
      fresh: 'me worker',
      context: {
        awsRequestId: 36,
        functionName: 'worker',
        functionVersion: '$LATEST',
        invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:worker',
        memoryLimitInMB: '200',
        logGroupName: '/aws/lambda/worker',
        logStreamName: true,
        callbackWaitsForEmptyEventLoop: true,
      },
    }
    for (let i = 0; i < 2; i++) expect((await invokeValue(target, invocation(), null)).answer).toEqual(expected)
  })

  test('refuses a batch that is larger than its requests may be', async () => {
    const large = readQueueBatch(['x'.repeat(7 * 1024 * 1024)], 0)
    await expect(invokeQueue(target, invocation(), large)).rejects.toMatchObject({ code: 'PayloadTooLarge' })
  })
})

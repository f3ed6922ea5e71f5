import { afterEach, expect, it } from 'vitest'
import { openState, type Control } from '../../src/control/control.ts'
import { UNUSED_MS } from '../../src/control/residence.ts'
import type { LaneGroup } from '../../src/engine/contract.ts'
import { startLanes } from '../../src/engine/lanes.ts'
import { AWS_PRICES } from '../../src/functions/prices.ts'
import { DEFAULT_ACCOUNT } from '../../src/functions/arn.ts'
import { localCaller } from '../../src/identity/caller.ts'
import type { FunctionName } from '../../src/functions/name.ts'
import { createManagementApp } from '../../src/gateway/management/app.ts'
import { nodeFunction, removeFolders, temporaryFolder } from '../gateway/management/host.ts'
import { freePort } from '../tools/free-port.ts'

let group: LaneGroup | undefined
let control: Control | undefined

afterEach(async () => {
  control?.activation.stop()
  await group?.stop(0)
  await control?.close()
  await removeFolders()
})

it('loads what is used, lets go what was not used for a while, and loads it again', async () => {
  const state = await openState({
    port: 8080,
    folder: await temporaryFolder(),
    account: DEFAULT_ACCOUNT,
    declared: new Map(),
    taken: new Set(),
    observe: () => undefined,
    accountConcurrency: 1_000,
    maxAsyncEvents: 100,
    asyncRetryMs: 60_000,
    key: undefined,
    logRetention: { days: 1, maxBytes: 16 * 1024 * 1024 },
    prices: AWS_PRICES,
    nats: undefined,
    redis: undefined,
    httpDestinations: [],
  })
  group = await startLanes({
    lanes: 1,
    program: new URL('../engine/lane-program.ts', import.meta.url),
    data: { host: '127.0.0.1', port: await freePort(), reusePort: false, program: undefined },
    functions: [],
    memoryCeilingMb: 512,
    restore: 'auto',
    verifyEvery: 1,
    onLaneFailure: () => undefined,
  })
  let now = 0
  control = await state.start(group, () => now)
  const { residence, store } = control
  const app = createManagementApp(control, () => undefined)
  const { Code, ...input } = await nodeFunction('fn', 'export const handler = () => 1')
  const body = JSON.stringify({ ...input, Code: { ZipFile: Buffer.from(Code?.ZipFile ?? []).toString('base64') } })
  expect(
    (await app.request('/2015-03-31/functions', { method: 'POST', body }, { caller: localCaller(DEFAULT_ACCOUNT) })).status,
  ).toBe(201)
  await expect.poll(async () => (await store.get('functions', ['fn']))?.latest.state.status, { timeout: 60_000 }).toBe('done')

  const reference = { name: 'fn' as FunctionName, qualifier: undefined }
  expect((await residence.route(reference)).targets.map(({ key }) => key)).toEqual(['fn:$LATEST'])
  expect(residence.loaded).toBe(1)
  now += UNUSED_MS - 1
  await residence.unloadUnused()
  expect(residence.loaded).toBe(1)
  now += 1
  await residence.unloadUnused()
  expect(residence.loaded).toBe(0)
  await residence.route(reference)
  expect(residence.loaded).toBe(1)
})

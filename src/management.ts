import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { openState, type Control, type OpenState } from './control/control.ts'
import { declaredRoutes } from './control/routing.ts'
import type { LaneGroup } from './engine/contract.ts'
import { AmpouleError } from './errors.ts'
import { loadConfiguration, type LoadedConfiguration } from './deploy.ts'
import { DEFAULT_ACCOUNT } from './functions/arn.ts'
import { readConfiguration } from './functions/configuration.ts'
import { answerLanes } from './gateway/management/answer.ts'
import { applyDeclared } from './gateway/management/declared.ts'
import { createManagementApp } from './gateway/management/app.ts'
import { isLoopback } from './gateway/management/guard.ts'
import { claimPort } from './gateway/claim-port.ts'
import type { HostOptions } from './host.ts'
import type { AccessKey } from './identity/access-key.ts'
import type { LaneProgramData } from './lane.ts'
import type { Observer } from './observe/records.ts'
import { requireRedisUrl } from './store/redis/connection.ts'
import { uuidOf } from './uuid.ts'

/** The control plane of a host, between the lanes and what is on disk. */
export interface Management {
  readonly listen: NonNullable<LaneProgramData['management']>
  /** `LaneOptions.answer`. Waits for `start`. */
  answer(question: unknown, asker: number): Promise<unknown>
  /** `LaneOptions.died`. */
  died(asker: number): void
  start(lanes: LaneGroup): Promise<void>
  /** Called before the lanes are stopped. */
  drain(): void
  close(): Promise<void>
}

/** Undefined when no folder is given for it. Rejects with `AddressInUse` when another host has the folder or the port. */
export async function openManagement(
  options: HostOptions,
  configuration: LoadedConfiguration,
  observe: Observer,
  dataPort: number,
): Promise<Management | undefined> {
  const { dataDir, managementPort, accountConcurrency } = configuration.host
  const host = options.managementHost ?? configuration.host.managementHost
  const signed = mustBeSigned(host, options.managementAccess ?? configuration.host.managementAccess)
  const folder = options.dataDir ?? (dataDir === undefined ? undefined : resolve(configuration.folder, dataDir))
  if (folder === undefined) {
    refuseDeclared(configuration.functions)
    return undefined
  }
  const account = DEFAULT_ACCOUNT
  const wanted = options.managementPort ?? managementPort
  const claimed = await claimPort(host, wanted)
  // The other one was claimed and is not yet listened to: a free one may be the same.
  const port = wanted === 0 && claimed === dataPort ? await claimPort(host, wanted) : claimed
  const state = await openState({
    folder: resolve(folder),
    account,
    port: dataPort,
    taken: new Set(configuration.functions.map(({ name }) => name)),
    declared: declaredRoutes(configuration.functions),
    observe,
    accountConcurrency: options.accountConcurrency ?? accountConcurrency,
    maxAsyncEvents: configuration.host.maxAsyncEvents,
    asyncRetryMs: configuration.host.asyncRetryMs,
    key: process.env['AMPOULE_KEY'],
    logRetention: { days: configuration.host.logRetentionDays, maxBytes: configuration.host.logStorageMb * 1024 * 1024 },
    prices: configuration.host.prices,
    httpDestinations: configuration.host.httpDestinations,
    redis: redisOf(folder, configuration),
    nats: natsOf(options, configuration),
  })
  const accessKeys = await readKeys(state, { host, folder, signed })
  const routes = await state.routes()
  let control: Control | undefined
  const started = Promise.withResolvers<ReturnType<typeof answerLanes>>()
  // Nobody may be waiting for it.
  started.promise.catch(() => undefined)
  return {
    listen: { host, port, account, signed, accessKeys, routes },
    answer: async (question, asker) => (await started.promise).answer(question, asker),
    died: (asker) => void started.promise.then((lanes) => lanes.died(asker)).catch(() => undefined),
    async start(lanes) {
      control = await state.start(lanes)
      started.resolve(answerLanes(control, createManagementApp(control, observe)))
      await applyDeclared(configuration.functions, control)
      control.events.wake()
      // Queues are read when there is somebody to give their messages to.
      await control.triggers.start()
      await control.schedules.start()
    },
    drain() {
      void control?.schedules.close()
      control?.activation.stop()
      void control?.triggers.drain()
      control?.queues.drain()
    },
    async close() {
      started.reject(new AmpouleError('ShuttingDown', 'the host is shutting down'))
      await (control ?? state).close()
    },
  }
}

/** Hosts on one Redis are told apart by their machine and data folder. */
function redisOf(dataFolder: string, { host: { redis } }: LoadedConfiguration): Parameters<typeof openState>[0]['redis'] {
  if (redis === undefined) return undefined
  return { url: requireRedisUrl(redis), consumer: `ampoule-${uuidOf(`${hostname()}\n${resolve(dataFolder)}`)}` }
}

function natsOf({ nats }: HostOptions, { host, folder }: LoadedConfiguration): Parameters<typeof openState>[0]['nats'] {
  const servers = nats ?? host.nats
  if (servers === undefined) return undefined
  const { natsCredentials: file, natsReplicas: replicas } = host
  return { servers, credentials: file === undefined ? undefined : resolve(folder, file), replicas }
}

/** Throws `InvalidConfiguration` for what only a host with a data folder has. */
function refuseDeclared(functions: LoadedConfiguration['functions']): void {
  for (const settings of functions)
    for (const field of ['queue', 'stream', 'redis', 'events', 'schedule'] as const)
      if (settings[field] !== undefined)
        throw new AmpouleError(
          'InvalidConfiguration',
          `functions.${settings.name}.${field} needs a data folder: set dataDir in ampoule.jsonc, or serve with --data DIR`,
        )
}

/** Throws `InvalidConfiguration` when the API would be open to others. */
function mustBeSigned(host: string, access: 'local' | 'signed' | undefined): boolean {
  if (isLoopback(host)) return access === 'signed'
  if (access !== 'local') return true
  throw new AmpouleError(
    'InvalidConfiguration',
    `managementAccess is "local", but the management API would listen on ${host}, which others can reach: leave it out, or listen on 127.0.0.1`,
  )
}

async function readKeys(
  state: OpenState,
  { host, folder, signed }: { readonly host: string; readonly folder: string; readonly signed: boolean },
): Promise<readonly AccessKey[]> {
  try {
    const keys = await state.accessKeys()
    if (keys.length > 0 || !signed) return keys
    throw new AmpouleError(
      'InvalidConfiguration',
      `requests to the management API on ${host} must be signed, and there is no access key: make one with "ampoule key create --data ${folder}"${isLoopback(host) ? '' : ', or listen on 127.0.0.1'}`,
    )
  } catch (error) {
    await state.close()
    throw error
  }
}

/** The configuration file's, or an empty one where there need not be a file. */
export async function configurationOf({ config, configOptional = false }: HostOptions): Promise<LoadedConfiguration> {
  try {
    return await loadConfiguration(config)
  } catch (error) {
    const cause: unknown = error instanceof AmpouleError ? error.cause : undefined
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    if (!configOptional || !missing) throw error
    return { ...readConfiguration('{"functions": {}}', { file: config }), folder: process.cwd() }
  }
}

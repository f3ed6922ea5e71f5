import { resolve } from 'node:path'
import { openState, type Control } from './control/control.ts'
import type { LaneGroup } from './engine/contract.ts'
import { AmpouleError } from './errors.ts'
import { loadConfiguration, type LoadedConfiguration } from './deploy.ts'
import { DEFAULT_ACCOUNT } from './functions/arn.ts'
import { readConfiguration } from './functions/configuration.ts'
import { answerLanes } from './gateway/management/answer.ts'
import { createManagementApp } from './gateway/management/app.ts'
import { claimPort } from './gateway/claim-port.ts'
import type { HostOptions } from './host.ts'
import type { LaneProgramData } from './lane.ts'
import type { Observer } from './observe/records.ts'

/** As long as requests are not signed, only this machine may manage functions. */
const ADDRESS = '127.0.0.1'

/** The control plane of a host, between the lanes and what is on disk. */
export interface Management {
  readonly listen: NonNullable<LaneProgramData['management']>
  /** `LaneOptions.answer`. Waits for `start`. */
  answer(question: unknown): Promise<unknown>
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
  const folder = options.dataDir ?? (dataDir === undefined ? undefined : resolve(configuration.folder, dataDir))
  if (folder === undefined) return undefined
  const account = DEFAULT_ACCOUNT
  const listen = { host: ADDRESS, port: await claimPort(ADDRESS, options.managementPort ?? managementPort), account }
  const state = await openState({
    folder: resolve(folder),
    account,
    port: dataPort,
    taken: new Set(configuration.functions.map(({ name }) => name)),
    observe,
    accountConcurrency: options.accountConcurrency ?? accountConcurrency,
    key: process.env['AMPOULE_KEY'],
  })
  let control: Control | undefined
  const started = Promise.withResolvers<ReturnType<typeof answerLanes>>()
  // Nobody may be waiting for it.
  started.promise.catch(() => undefined)
  return {
    listen,
    answer: async (question) => (await started.promise)(question),
    async start(lanes) {
      control = await state.start(lanes)
      started.resolve(answerLanes(control, createManagementApp(control, observe)))
    },
    drain: () => control?.activation.stop(),
    async close() {
      started.reject(new AmpouleError('ShuttingDown', 'the host is shutting down'))
      await (control ?? state).close()
    },
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

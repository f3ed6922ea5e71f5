import { resolve } from 'node:path'
import { loadConfiguration, type LoadedConfiguration } from '../deploy.ts'
import { defaultCeilingMb } from '../engine/ceiling.ts'
import type { LaneGroup } from '../engine/contract.ts'
import { startLanes } from '../engine/lanes.ts'
import { claimPort } from '../gateway/claim-port.ts'
import type { LaneProgramData, LogForm } from '../lane.ts'
import { describeFailure, type DeploymentFailure } from './failure.ts'
import { DevFunction } from './function.ts'
import { hashFiles, InputWatcher } from './inputs.ts'

/** What the server tells whoever shows it. */
export type DevEvent =
  | { readonly kind: 'ready'; readonly function: string; readonly ms: number; readonly first: boolean }
  | { readonly kind: 'failed'; readonly function: string; readonly failure: DeploymentFailure; readonly served: boolean }
  | { readonly kind: 'removed'; readonly function: string }
  | { readonly kind: 'configuration failed'; readonly failure: DeploymentFailure }
  /** These settings count from the next start on. */
  | { readonly kind: 'restart needed'; readonly settings: readonly string[] }
  | { readonly kind: 'lane failed'; readonly message: string }

export interface DevOptions {
  /** Path of the configuration file. */
  readonly config: string
  readonly port?: number
  readonly host?: string
  readonly logs: LogForm
  readonly onEvent: (event: DevEvent) => void
}

export interface DevServer {
  readonly url: string
  readonly host: string
  readonly port: number
  /** By name, in the order of the configuration. */
  readonly functions: ReadonlyMap<string, DevFunction>
  close(): Promise<void>
}

/** Every so many restores the whole state is compared with the snapshot. */
const VERIFY_EVERY = 100

/** What the lane cannot be told while it runs. */
const FIXED = ['port', 'host', 'lanes', 'memoryCeilingMb', 'drainMs'] as const

/**
 * Serves the functions of a configuration and follows the files that they are made of. Resolves when each function was tried once;
 * those that failed are answered with what is wrong. Rejects with `InvalidConfiguration` and `AddressInUse`.
 */
export async function startDev(options: DevOptions): Promise<DevServer> {
  const configuration = await loadConfiguration(options.config)
  const host = options.host ?? configuration.host.host
  const port = await claimPort(host, options.port ?? configuration.host.port)
  const program: LaneProgramData = { functions: [], dev: true, logs: options.logs }
  const group = await startLanes({
    // One lane swaps at once, and what it is asked to do again it knows itself.
    lanes: 1,
    program: new URL('../lane.ts', import.meta.url),
    data: { host, port, reusePort: false, program },
    functions: [],
    memoryCeilingMb: configuration.host.memoryCeilingMb ?? defaultCeilingMb(),
    restore: 'auto',
    verifyEvery: VERIFY_EVERY,
    onLaneFailure: ({ message }) => options.onEvent({ kind: 'lane failed', message }),
  })
  const server = new Server(options, configuration, group, host, port)
  await server.start()
  return server
}

/** Until a function was tried for the first time. */
const BUILDING = {
  code: 'HostCapacity',
  error: { name: 'Being built', message: 'this function is being built for the first time: try again in a moment', stack: '' },
} as const

class Server implements DevServer {
  readonly url: string
  readonly host: string
  readonly port: number
  readonly functions = new Map<string, DevFunction>()
  readonly #options: DevOptions
  readonly #group: LaneGroup
  readonly #watcher: InputWatcher
  readonly #configPath: string
  #configuration: LoadedConfiguration
  #configHash = ''
  /** What is being built, one after the other: a build may take most of a gigabyte. */
  #work: Promise<void> = Promise.resolve()
  #closed: Promise<void> | undefined

  constructor(options: DevOptions, configuration: LoadedConfiguration, group: LaneGroup, host: string, port: number) {
    this.#options = options
    this.#configuration = configuration
    this.#group = group
    this.host = host
    this.port = port
    this.url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
    this.#configPath = resolve(options.config)
    this.#watcher = new InputWatcher((paths) => void this.#changed(paths))
  }

  async start(): Promise<void> {
    this.#configHash = await this.#hashOfConfiguration()
    for (const settings of this.#configuration.functions)
      this.functions.set(settings.name, new DevFunction(settings, this.#configuration.folder))
    this.#watch()
    await this.#publish()
    for (const fn of this.functions.values()) this.#schedule(fn)
    await this.#idle()
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    for (const fn of this.functions.values()) fn.cancel()
    await this.#watcher.close()
    await this.#idle()
    await this.#group.stop(this.#configuration.host.drainMs)
  }

  async #idle(): Promise<void> {
    for (let work; work !== this.#work;) {
      work = this.#work
      await work
    }
  }

  #watch(): void {
    const inputs = [...this.functions.values()].flatMap((fn) => [...fn.inputs])
    this.#watcher.set(new Set([this.#configPath, ...inputs]))
  }

  async #changed(paths: ReadonlySet<string>): Promise<void> {
    if (paths.has(this.#configPath)) await this.#followConfiguration()
    for (const fn of this.functions.values()) if (await fn.hasChanged(paths)) this.#schedule(fn)
  }

  #schedule(fn: DevFunction): void {
    fn.cancel()
    this.#work = this.#work.then(() => this.#update(fn))
  }

  async #update(fn: DevFunction): Promise<void> {
    const { name } = fn.settings
    // It may have been taken out of the configuration while it waited.
    if (this.#closed !== undefined || this.functions.get(name) !== fn) return
    const first = fn.served === undefined
    const outcome = await fn.update(this.#configuration, (deployed, signal) => this.#group.deploy(deployed, signal))
    if (outcome === undefined) return
    await this.#publish()
    this.#watch()
    const { onEvent } = this.#options
    if (outcome.ok) onEvent({ kind: 'ready', function: name, ms: outcome.ms, first })
    else onEvent({ kind: 'failed', function: name, failure: outcome.failure, served: fn.served !== undefined })
  }

  /** Tells the lane what there is to serve. */
  async #publish(): Promise<void> {
    const all = [...this.functions.values()]
    await this.#group.update({
      functions: all.flatMap(({ served }) => served ?? []),
      notBuilt: all.flatMap(({ served, settings, failure }) =>
        served === undefined ? [{ settings, ...(failure ?? BUILDING) }] : [],
      ),
      dev: true,
      logs: this.#options.logs,
    } satisfies LaneProgramData)
  }

  async #followConfiguration(): Promise<void> {
    const hash = await this.#hashOfConfiguration()
    if (hash === this.#configHash) return
    this.#configHash = hash
    const { onEvent, config } = this.#options
    let next: LoadedConfiguration
    try {
      next = await loadConfiguration(config)
    } catch (error) {
      onEvent({ kind: 'configuration failed', failure: describeFailure(error, this.#configuration.folder) })
      return
    }
    const previous = this.#configuration
    this.#configuration = next
    const fixed = FIXED.filter((key) => previous.host[key] !== next.host[key])
    if (fixed.length > 0) onEvent({ kind: 'restart needed', settings: fixed })
    const hostChanged = JSON.stringify(previous.host) !== JSON.stringify(next.host)
    for (const settings of next.functions) {
      const fn = this.functions.get(settings.name) ?? new DevFunction(settings, next.folder)
      const known = this.functions.has(settings.name)
      if (known && !hostChanged && JSON.stringify(fn.settings) === JSON.stringify(settings)) continue
      const moved = fn.settings.source !== settings.source || fn.settings.component !== settings.component
      fn.settings = settings
      if (moved) fn.inputs = new DevFunction(settings, next.folder).inputs
      this.functions.set(settings.name, fn)
      this.#schedule(fn)
    }
    const names = new Set<string>(next.functions.map(({ name }) => name))
    for (const [name, fn] of this.functions) if (!names.has(name)) this.#remove(name, fn)
    this.#watch()
  }

  #remove(name: string, fn: DevFunction): void {
    fn.cancel()
    this.functions.delete(name)
    this.#work = this.#work.then(async () => {
      await this.#publish()
      // Another of that name may have come in the meantime.
      if (!this.functions.has(name)) await this.#group.remove(name)
      this.#options.onEvent({ kind: 'removed', function: name })
    })
  }

  async #hashOfConfiguration(): Promise<string> {
    return (await hashFiles([this.#configPath])).get(this.#configPath) ?? ''
  }
}

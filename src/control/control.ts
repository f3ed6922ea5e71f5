import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanEngineCache } from '../build/engine-cache.ts'
import { engineFolder } from '../build/engine-component.ts'
import { openArtifactStore } from '../component/store.ts'
import type { Account } from '../functions/arn.ts'
import { openAccessKeys, type AccessKey } from '../identity/access-key.ts'
import { openLogStore, type LogStore } from '../observe/logs/log-store.ts'
import type { LogRetention } from '../observe/logs/retention.ts'
import type { Observer } from '../observe/records.ts'
import type { Prices } from '../functions/prices.ts'
import { openCodeStore, type CodeStore } from '../store/code.ts'
import type { Store } from '../store/contract.ts'
import { openSeal, type Seal } from '../store/seal.ts'
import type { NatsOptions } from '../store/nats/connection.ts'
import { openNats, type NatsEngines } from '../store/nats/open.ts'
import { openSqliteQueues } from '../store/sqlite/open-queues.ts'
import { openSqliteStreams } from '../store/sqlite/open-streams.ts'
import { openSqlite } from '../store/sqlite/open.ts'
import { createStore } from '../store/store.ts'
import { isSupported } from '../wasi/index.ts'
import { Activation } from './activation.ts'
import { EventQueue } from './events/event-queue.ts'
import { HttpDestinations } from './events/http-destinations.ts'
import { Garbage } from './garbage.ts'
import { Logs } from './logs.ts'
import type { ManagedRoute, Told } from './lane-protocol.ts'
import type { MakeParts } from './make.ts'
import { MoveTasks } from './move-tasks.ts'
import { CodeLinks } from './links.ts'
import { Concurrency } from './concurrency.ts'
import { Provisioning } from './provisioning.ts'
import { Queues } from './queues.ts'
import { Routing } from './routing.ts'
import { Schedules } from './schedules/schedules.ts'
import { Streams } from './streams.ts'
import type { RedisOptions } from './triggers/queue-triggers.ts'
import { Triggers } from './triggers/triggers.ts'
import { Residence, type Lanes } from './residence.ts'

/** What operations of the management API work with. */
export interface Control {
  readonly account: Account
  readonly store: Store
  readonly code: CodeStore
  readonly garbage: Garbage
  readonly links: CodeLinks
  readonly routing: Routing
  readonly seal: Seal
  readonly residence: Residence
  readonly activation: Activation
  readonly concurrency: Concurrency
  readonly provisioning: Provisioning
  /** Where functions are served over HTTP, for the URLs of functions. */
  readonly port: number
  readonly events: EventQueue
  readonly http: HttpDestinations
  readonly queues: Queues
  /** Whether other hosts may have the same queues and schedules. */
  readonly shared: boolean
  readonly moves: MoveTasks
  readonly streams: Streams
  readonly redis: RedisOptions | undefined
  readonly triggers: Triggers
  readonly schedules: Schedules
  readonly logs: Logs
  readonly prices: Prices
  /** Names that functions of `ampoule.jsonc` have. */
  readonly taken: ReadonlySet<string>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** For revision ids and the like. */
  readonly uuid: () => string
  close(): Promise<void>
}

export interface ControlOptions {
  /** Everything that has to last is here. Made when it is not there; another host must not have it. */
  readonly folder: string
  readonly account: Account
  /** Of the HTTP trigger. */
  readonly port: number
  readonly taken: ReadonlySet<string>
  /** Routes that functions of `ampoule.jsonc` have, and whose they are. */
  readonly declared: ReadonlyMap<string, string>
  readonly observe: Observer
  /** Invocations of all functions together. */
  readonly accountConcurrency: number
  /** Asynchronous invocations of one function that may wait. */
  readonly maxAsyncEvents: number
  /** Milliseconds before an asynchronous invocation that has failed is tried again. */
  readonly asyncRetryMs: number
  /** Instead of the key file; 32 bytes in base64. */
  readonly key: string | undefined
  readonly logRetention: LogRetention
  readonly prices: Prices
  /** URLs, by name. */
  readonly httpDestinations: readonly (readonly [name: string, url: string])[]
  /** Of which streams can be read. */
  readonly redis: RedisOptions | undefined
  /** Where queues and streams are; undefined: in the folder. */
  readonly nats: Omit<NatsOptions, 'report'> | undefined
}

async function openShared({ nats, observe }: ControlOptions): Promise<NatsEngines | undefined> {
  if (nats === undefined) return undefined
  const report: NatsOptions['report'] = (level, message) => observe({ type: 'host', time: Date.now(), level, message })
  return await openNats({ ...nats, report }, Date.now)
}

/** The store and the folders, without anything that needs lanes: opened first, as they may be in use. */
export interface OpenState {
  /** Takes up what was pending, and from now on loads functions into these lanes. `elapsed`: milliseconds from any start; default: real ones. */
  start(lanes: Lanes, elapsed?: () => number): Promise<Control>
  /** Which requests go to managed functions when the lanes start. */
  routes(): Promise<readonly ManagedRoute[]>
  /** What requests can be signed with. */
  accessKeys(): Promise<readonly AccessKey[]>
  close(): Promise<void>
}

/** Rejects with `AddressInUse` when another host has the folder, and with `InvalidConfiguration` when a newer release wrote it. */
export async function openState(options: ControlOptions): Promise<OpenState> {
  const { folder, account, port, taken, declared, observe, key, accountConcurrency, logRetention: retention, prices } = options
  const store = createStore(await openSqlite(folder))
  let logStore: LogStore | undefined
  let openedShared: NatsEngines | undefined
  let openQueues: Queues | undefined
  let openStreams: Streams | undefined
  try {
    const opened = await openLogStore({ folder, retention }, observe)
    logStore = opened
    const shared = await openShared(options)
    openedShared = shared
    const queues = new Queues(shared?.queues ?? (await openSqliteQueues(join(folder, 'queues'), Date.now)))
    openQueues = queues
    const streams = new Streams(shared?.streams ?? (await openSqliteStreams(join(folder, 'streams'), Date.now)))
    openStreams = streams
    const seal = await openSeal(join(folder, 'secret.key'), key)
    const code = await openCodeStore(join(folder, 'code'), store)
    const unreferenced = (ids: readonly string[]) => store.unreferenced(ids)
    const artifacts = await openArtifactStore(join(folder, 'artifacts'), { isSupported, unreferenced })
    const garbage = new Garbage({ code, artifacts, observe, now: Date.now })
    const scratch = join(folder, 'scratch')
    // What a host that was killed has left.
    await rm(scratch, { recursive: true, force: true })
    await mkdir(scratch, { recursive: true })
    const parts: MakeParts = { code, artifacts, scratch }
    return {
      async start(lanes, elapsed = () => performance.now()) {
        const residence = new Residence({ store, seal, account, parts, lanes, now: elapsed })
        const concurrency = new Concurrency({ store, lanes, account: accountConcurrency })
        await concurrency.apply()
        const provisioning = new Provisioning(store, residence)
        const activation = new Activation({ store, garbage, parts, residence, provisioning, observe, now: Date.now })
        await activation.resume()
        await provisioning.resume()
        const wake = () => lanes.tell({ events: true } satisfies Told)
        const http = new HttpDestinations(options.httpDestinations)
        const events = await EventQueue.open({
          store,
          queues,
          streams,
          http,
          account,
          taken,
          wake,
          observe,
          maxEvents: options.maxAsyncEvents,
          retryMs: options.asyncRetryMs,
          uuid: randomUUID,
          now: Date.now,
        })
        const logs = new Logs({ store: opened, lanes, residence, observe, now: Date.now })
        const moves = new MoveTasks(queues, observe)
        const triggers = new Triggers({
          store,
          queues,
          streams,
          redis: options.redis,
          account,
          wake: () => lanes.tell({ batches: true } satisfies Told),
          observe,
          uuid: randomUUID,
          now: Date.now,
        })
        const schedules = new Schedules({
          store,
          events,
          queues,
          account,
          taken,
          observe,
          uuid: randomUUID,
          now: Date.now,
          ticks: shared?.ticks,
        })
        garbage.collectAll()
        // Of no function in particular; what is missing there is built again.
        void engineFolder()
          .then((engines) => cleanEngineCache(engines, Date.now()))
          .catch(() => undefined)
        return {
          account,
          port,
          store,
          code,
          garbage,
          routing: new Routing(store, lanes, declared),
          links: new CodeLinks(seal.derive('links to code'), Date.now),
          seal,
          residence,
          activation,
          concurrency,
          provisioning,
          events,
          http,
          queues,
          shared: shared !== undefined,
          moves,
          streams,
          redis: options.redis,
          triggers,
          schedules,
          logs,
          prices,
          taken,
          now: Date.now,
          uuid: randomUUID,
          async close() {
            events.close()
            await schedules.close()
            await activation.close()
            await provisioning.close()
            await residence.close()
            await garbage.close()
            await logs.close()
            await triggers.close()
            await moves.close()
            await queues.close()
            await streams.close()
            await shared?.close()
            await store.close()
          },
        }
      },
      routes: () => store.list('routes'),
      accessKeys: () => openAccessKeys(store, seal),
      async close() {
        await opened.close()
        await queues.close()
        await streams.close()
        await shared?.close()
        await store.close()
      },
    }
  } catch (error) {
    await logStore?.close()
    await openQueues?.close()
    await openStreams?.close()
    await openedShared?.close()
    await store.close()
    throw error
  }
}

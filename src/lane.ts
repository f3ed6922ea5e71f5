import type { IncomingMessage } from 'node:http'
import type { LaneData, LaneProgram } from './engine/contract.ts'
import { createDevTools } from './dev/tools.ts'
import { AmpouleError, type ErrorCode } from './errors.ts'
import type { ManagedRoute, Question, Told } from './control/lane-protocol.ts'
import type { Account } from './functions/arn.ts'
import type { FunctionSettings } from './functions/settings.ts'
import { createGateway } from './gateway/gateway.ts'
import { NotBuiltError } from './gateway/errors.ts'
import { InFlight } from './gateway/in-flight.ts'
import { listen } from './gateway/listen.ts'
import { ManagedRoutes } from './gateway/managed-routes.ts'
import { Directory } from './gateway/management/directory.ts'
import { BatchRunner } from './gateway/management/batches.ts'
import { EventRunner } from './gateway/management/events.ts'
import { createLocalGate } from './gateway/management/guard.ts'
import { toLog, toQueues } from './gateway/outbox.ts'
import { senderOf, type Deliver } from './invoke/sent.ts'
import { createManagementLane } from './gateway/management/lane.ts'
import type { AccessKey } from './identity/access-key.ts'
import { createVerifier } from './identity/verify.ts'
import { FunctionUrls } from './gateway/urls/urls.ts'
import type { HostedFunction } from './invoke/invoke.ts'
import { formatJson, formatText, type Format } from './observe/format.ts'
import { LogFrames } from './observe/log-frames.ts'
import { LaneLogs } from './observe/logs/lane-logs.ts'
import type { ReportedError } from './observe/records.ts'
import { SourceMaps } from './observe/source-map.ts'
import { formatTerminal } from './observe/terminal.ts'
import { createWriter } from './observe/writer.ts'

/** What the host hands to every lane. Plain data. */
export interface LaneProgramData {
  readonly functions: readonly FunctionSettings[]
  readonly dev: boolean
  readonly logs: LogForm
  /** Where the management API listens in every lane. Absent: there is none. */
  readonly management?: {
    readonly host: string
    readonly port: number
    readonly account: Account
    /** Whether requests must be signed with one of the keys; those to function URLs with `AWS_IAM` always must. */
    readonly signed: boolean
    readonly accessKeys: readonly AccessKey[]
    /** Of managed functions, when the host starts. */
    readonly routes: readonly ManagedRoute[]
  }
  /** Functions that have no version which could be served; requests to them are answered with what is wrong. */
  readonly notBuilt?: readonly NotBuilt[]
}

/** `terminal` and `colours` are for a person who looks at it (several lines where there is something to explain). */
export type LogForm = 'text' | 'json' | 'terminal' | 'colours'

export interface NotBuilt {
  readonly settings: FunctionSettings
  readonly code: ErrorCode
  readonly error: ReportedError
}

export const logFormat = (logs: LogForm): Format => {
  if (logs === 'json') return formatJson
  return logs === 'text' ? formatText : (record) => formatTerminal(record, { plain: logs === 'terminal' })
}

/** The composition root inside a lane: its own gateway over its own runners, its own listener. */
export const startLane: LaneProgram = async (data: LaneData, runners, supervisor) => {
  const program = data.program as LaneProgramData
  const { dev, logs } = program
  const writer = createWriter(process.stdout, logFormat(logs))
  const inFlight = new InFlight()
  const invocations = {
    observe: writer.observe,
    reports: dev || logs === 'json' ? 'all' : 'failures',
    now: Date.now,
    sourceMaps: new SourceMaps(),
    ...(dev && { logFrames: new LogFrames() }),
  } as const
  const outbox = program.management === undefined ? toLog(writer.observe, Date.now) : toQueues(supervisor)
  let functions = hostProgram(program, runners, outbox)
  const gateway = createGateway({
    functions,
    dev,
    inFlight,
    invocations,
    ...(program.management !== undefined && {
      trouble: async () => (await supervisor.ask({ kind: 'trouble' } satisfies Question)) as string | undefined,
    }),
    ...(dev && { tools: createDevTools({ host: data.host, port: data.port, inFlight, invocations }) }),
  })
  let directory: Directory | undefined
  let events: EventRunner | undefined
  let urls: FunctionUrls | undefined
  let batches: BatchRunner | undefined
  let functionLogs: LaneLogs | undefined
  let routes: ManagedRoutes | undefined
  const { app } = gateway
  const serve: typeof gateway.serve = (incoming, outgoing) =>
    urls?.serve(incoming, outgoing) === true || gateway.serve(incoming, outgoing) || routes?.serve(incoming, outgoing) === true
  const listeners = [await listen({ app, serve }, { host: data.host, port: data.port, reusePort: data.reusePort, inFlight })]
  if (program.management !== undefined) {
    const { host, port, account, signed: mustBeSigned, accessKeys, routes: known } = program.management
    directory = new Directory({ supervisor, account, declared: () => functions })
    const send = async (batch: Uint8Array<ArrayBuffer>) =>
      void (await supervisor.ask({ kind: 'logs', batch } satisfies Question, [batch.buffer]))
    functionLogs = new LaneLogs({ send, observe: writer.observe, now: Date.now })
    const resolving = { directory, runners, logs: functionLogs, outbox }
    const verify = createVerifier({ account, keys: accessKeys, now: Date.now })
    const identify = (incoming: IncomingMessage) => {
      const signed = verify(incoming)
      return (body: Uint8Array) => {
        const { accountId, arn } = signed(body)
        return { kind: 'account', accountId, arn } as const
      }
    }
    urls = new FunctionUrls({ account, ...resolving, supervisor, inFlight, invocations, identify })
    routes = new ManagedRoutes({ routes: known, ...resolving, supervisor, inFlight, invocations })
    // A lane that takes another's place may have been told of none since the host started.
    void routes.refresh()
    const gate = mustBeSigned ? verify : createLocalGate(account)
    const api = createManagementLane({ account, ...resolving, supervisor, gate, inFlight, invocations })
    events = new EventRunner({ ...resolving, supervisor, inFlight, invocations })
    batches = new BatchRunner({ ...resolving, supervisor, inFlight, invocations })
    listeners.push(await listen(api, { host, port, reusePort: data.reusePort, inFlight, http2: true }))
    // Nobody tells a lane that takes another's place.
    events.wake()
    batches.wake()
  }
  return {
    port: data.port,
    update(next) {
      functions = hostProgram(next as LaneProgramData, runners, outbox)
      gateway.update(functions)
    },
    told(message) {
      const told = message as Told
      if ('events' in told) return events?.wake()
      if ('batches' in told) return batches?.wake()
      if ('logs' in told) return functionLogs?.send()
      if ('routes' in told) return routes?.told(told.routes)
      directory?.told(told)
      urls?.told(told)
    },
    async stop(graceMs) {
      await Promise.all(listeners.map((listener) => listener.stop(graceMs)))
      await functionLogs?.flush()
      await writer.flush()
    },
  }
}

type Runners = Parameters<LaneProgram>[1]

function hostProgram(
  { functions, notBuilt = [] }: LaneProgramData,
  runners: Runners,
  outbox: Deliver,
): ReadonlyMap<string, HostedFunction> {
  const hosted = new Map(hostFunctions(functions, runners, outbox))
  for (const { settings, code, error } of notBuilt) {
    hosted.set(settings.name, {
      settings,
      get runner(): never {
        throw new NotBuiltError(code, error)
      },
    })
  }
  return hosted
}

/** The functions of a lane, each with whichever runner it has when it is used: a deployment puts another in its place. */
export function hostFunctions(
  functions: readonly FunctionSettings[],
  runners: Runners,
  outbox: Deliver,
): ReadonlyMap<string, HostedFunction> {
  const hosted = new Map<string, HostedFunction>()
  for (const settings of functions) {
    hosted.set(settings.name, {
      settings,
      send: senderOf(settings, outbox),
      get runner() {
        const runner = runners.get(settings.name)
        if (runner === undefined) throw new AmpouleError('Internal', `the lane has no runner for ${settings.name}`)
        return runner
      },
    })
  }
  return hosted
}

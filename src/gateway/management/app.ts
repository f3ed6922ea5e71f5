import { Hono } from 'hono'
import type { Control } from '../../control/control.ts'
import { AmpouleError } from '../../errors.ts'
import { invalidParameter, LambdaError } from '../../functions/lambda-error.ts'
import type { Caller } from '../../identity/caller.ts'
import type { Observer } from '../../observe/records.ts'
import { toLambdaError } from '../../triggers/invoke.ts'
import { createJsonApi } from '../json/api.ts'
import { publishEvents } from '../events/publish.ts'
import { LOGS } from '../logs/api.ts'
import { KINESIS } from '../kinesis/api.ts'
import { createSchedulerApp } from '../scheduler/app.ts'
import { putStreamRecords } from '../streams/put.ts'
import { peekMessages } from '../queues/peek.ts'
import { sendMessages } from '../queues/send.ts'
import { SQS } from '../sqs/api.ts'
import type { Operations } from './contract.ts'
import { OPERATIONS, type OperationModel, type OperationName } from './model/model.ts'
import { accountSettings } from './operations/account.ts'
import { aliases } from './operations/aliases.ts'
import { concurrency } from './operations/concurrency.ts'
import { eventInvoke } from './operations/event-invoke.ts'
import { eventSources } from './operations/event-sources.ts'
import { functions } from './operations/functions.ts'
import { layers } from './operations/layers.ts'
import { permissions } from './operations/permissions.ts'
import { provisioned } from './operations/provisioned.ts'
import { runtime } from './operations/runtime.ts'
import { tags } from './operations/tags.ts'
import { updates } from './operations/updates.ts'
import { urls } from './operations/urls.ts'
import { versions } from './operations/versions.ts'
import { readUsage } from './usage.ts'
import { readInput, writeError, writeOutput } from './wire.ts'

/** Every operation that is offered. A group is a file in operations/ and a line here. */
const GROUPS = {
  ...accountSettings,
  ...aliases,
  ...concurrency,
  ...eventInvoke,
  ...eventSources,
  ...functions,
  ...layers,
  ...permissions,
  ...provisioned,
  ...runtime,
  ...tags,
  ...updates,
  ...urls,
  ...versions,
} satisfies Partial<Operations<OperationName>>

/** Lanes run these themselves (lane.ts). */
const IN_LANES: readonly OperationName[] = ['Invoke', 'InvokeWithResponseStream']

export const OFFERED: ReadonlySet<string> = new Set([...Object.keys(GROUPS), ...IN_LANES])

type Handler = (input: object, control: Control, caller: Caller, origin: string) => Promise<object | undefined>

/** What `GET /_ampoule/triggers` says: of each trigger of a stream, how long the oldest record waits that is not done. */
export interface TriggerAges {
  readonly triggers: readonly { readonly uuid: string; readonly iteratorAgeMs: number }[]
}

/** Fetched with who makes the request. */
export type ManagementApp = Hono<{ Bindings: { readonly caller: Caller } }>

interface Candidate {
  readonly name: string
  readonly model: OperationModel
  /** What the query must say, where two operations have one path. */
  readonly query: URLSearchParams
}

/** The management API but for what lanes run themselves: operations by the service model's methods and paths. */
export function createManagementApp(control: Control, observe: Observer): ManagementApp {
  const app: ManagementApp = new Hono({ strict: false })
  for (const [route, candidates] of routes()) {
    const [method = '', path = ''] = route.split(' ')
    app.on(method, path, async (c) => {
      const query = new URL(c.req.url).searchParams
      const found = candidates.find(({ query: wanted }) => [...wanted].every(([key, value]) => query.get(key) === value))
      if (found === undefined) throw unknownOperation(c.req.method, c.req.path)
      const body = new Uint8Array(await c.req.arrayBuffer())
      const input = readInput(found.model, { path: c.req.param(), query, headers: c.req.raw.headers, body })
      return writeOutput(found.model, await handlerOf(found.name)(input, control, c.env.caller, originOf(c.req.raw)))
    })
  }
  const json = createJsonApi([LOGS, SQS, KINESIS], control, observe)
  // Clients of SQS send to the queue's URL.
  for (const path of ['/', `/${control.account.id}/:queue`])
    app.post(path, async (c) => {
      const answer = await json(c.req.raw, originOf(c.req.raw))
      if (answer === undefined) throw unknownOperation(c.req.method, c.req.path)
      return answer
    })
  app.post('/queues/:name/messages', async (c) =>
    c.json(await sendMessages(c.req.param('name'), new Uint8Array(await c.req.arrayBuffer()), control)),
  )
  app.get('/queues/:name/messages', async (c) =>
    c.json(await peekMessages(c.req.param('name'), new URL(c.req.url).searchParams, control)),
  )
  app.post('/streams/:name/records', async (c) =>
    c.json(await putStreamRecords(c.req.param('name'), new Uint8Array(await c.req.arrayBuffer()), control)),
  )
  app.post('/events', async (c) =>
    c.json(await publishEvents(c.req.raw.headers, new Uint8Array(await c.req.arrayBuffer()), control), 202),
  )
  app.route('/schedules', createSchedulerApp(control, observe))
  app.get('/_ampoule/usage', async (c) => c.json(await readUsage(new URL(c.req.url).searchParams, control)))
  // Lambda's metric `IteratorAge`, which its API does not have.
  app.get('/_ampoule/triggers', (c) => {
    const ages = [...control.triggers.iteratorAges()].map(([uuid, iteratorAgeMs]) => ({ uuid, iteratorAgeMs }))
    return c.json({ triggers: ages } satisfies TriggerAges)
  })
  app.notFound((c) => writeError(unknownOperation(c.req.method, c.req.path)))
  app.onError((error, c) => {
    const refusal = toLambdaError(error)
    if (refusal.type === 'ServiceException') {
      const unavailable = error instanceof AmpouleError && error.code === 'StoreUnavailable'
      const why = unavailable ? error.message : `${error.stack ?? error.message}${causeOf(error)}`
      const message = `${c.req.method} ${c.req.path} failed: ${why}`
      observe({ type: 'host', time: control.now(), level: 'error', message })
    }
    return writeError(refusal)
  })
  return app
}

/** By method and Hono path; operations with a condition on the query go first. */
function routes(): ReadonlyMap<string, readonly Candidate[]> {
  const found = new Map<string, Candidate[]>()
  for (const [name, model] of Object.entries(OPERATIONS)) {
    if (IN_LANES.some((own) => own === name)) continue
    const [path = '', query] = model.path.split('?')
    const route = `${model.method} ${path.replaceAll(/\{(\w+)\+?\}/g, ':$1').replace(/(?<=.)\/$/, '')}`
    found.set(route, [...(found.get(route) ?? []), { name, model, query: new URLSearchParams(query) }])
  }
  for (const candidates of found.values()) candidates.sort((a, b) => b.query.size - a.query.size)
  return found
}

function handlerOf(name: string): Handler {
  // The input was checked against the model that the handler's types come from.
  const handler = (GROUPS as Readonly<Record<string, unknown>>)[name]
  if (handler === undefined) throw invalidParameter(`The operation ${name} is not offered by this host`)
  return handler as Handler
}

/** A proxy that speaks TLS says so; whoever else says it gets links that lead nowhere. */
function originOf({ url, headers }: Request): string {
  const { host } = new URL(url)
  return `${headers.get('x-forwarded-proto') === 'https' ? 'https' : 'http'}://${host}`
}

const unknownOperation = (method: string, path: string): LambdaError =>
  new LambdaError('UnknownOperationException', `There is no operation at ${method} ${path}`)

const causeOf = ({ cause }: Error): string => (cause instanceof Error ? `\ncaused by ${cause.stack ?? cause.message}` : '')

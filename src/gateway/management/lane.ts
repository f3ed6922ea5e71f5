import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Hono } from 'hono'
import type { Target } from '../../invoke/route.ts'
import type { EventAnswer, ForwardedAnswer, Question } from '../../control/lane-protocol.ts'
import { LINK_PATH } from '../../control/links.ts'
import type { FunctionRunner, LaneSupervisor } from '../../engine/contract.ts'
import { AmpouleError } from '../../errors.ts'
import { parseFunctionReference, qualify, type Account, type FunctionReference } from '../../functions/arn.ts'
import { invalidParameter, LambdaError } from '../../functions/lambda-error.ts'
import { QUOTAS } from '../../functions/quotas.ts'
import type { Caller } from '../../identity/caller.ts'
import type { InvocationOptions } from '../../invoke/invocation.ts'
import type { LaneLogs } from '../../observe/logs/lane-logs.ts'
import { sendWhole } from '../../triggers/http-answer.ts'
import { clientGone, readBody } from '../../triggers/http-body.ts'
import { checkEvent, prepareInvoke, toLambdaError, type Prepared } from '../../triggers/invoke.ts'
import type { Gateway, GatewayEnv } from '../gateway.ts'
import type { InFlight } from '../in-flight.ts'
import type { Directory } from './directory.ts'
import { download } from './download.ts'
import { encodeAnswer, EVENT_STREAM_TYPE } from './event-stream.ts'
import type { Outbox } from '../outbox.ts'
import { hosted, recorded, resolve } from './target.ts'
import { writeError } from './wire.ts'

/**
 * Says who makes a request: first by its head, before anything of its body is read, then by the body. Throws a `LambdaError` at either for
 * whoever has no access.
 */
export type Gate = (incoming: IncomingMessage) => (body: Uint8Array) => Caller

export interface ManagementLaneOptions {
  readonly account: Account
  readonly directory: Directory
  readonly supervisor: LaneSupervisor
  readonly runners: ReadonlyMap<string, FunctionRunner>
  readonly outbox: Outbox
  readonly logs: LaneLogs
  readonly gate: Gate
  readonly inFlight: InFlight
  readonly invocations: InvocationOptions
}

/** Parameters of Invoke whose effect is not provided, by their headers. */
const NOT_PROVIDED = [
  ['x-amz-tenant-id', 'TenantId'],
  ['x-amz-durable-execution-name', 'DurableExecutionName'],
] as const

const INVOKE =
  /^\/(?:2015-03-31\/functions\/([^/?]+)\/invocations|2021-11-15\/functions\/([^/?]+)\/response-streaming-invocations)(?:\?(.*))?$/

/** The management API in a lane: invocations are run here, everything else is asked of the main thread. */
export function createManagementLane(options: ManagementLaneOptions): Omit<Gateway, 'update'> {
  return {
    app: new Hono<GatewayEnv>(),
    serve(incoming, outgoing) {
      void serve(incoming, outgoing, options)
      return true
    },
  }
}

async function serve(incoming: IncomingMessage, outgoing: ServerResponse, options: ManagementLaneOptions): Promise<void> {
  const requestId = randomUUID()
  try {
    if (incoming.url?.startsWith(LINK_PATH) === true) return await download(incoming, outgoing, options)
    const identify = options.gate(incoming)
    const [whole, plain, streamed, query] = incoming.method === 'POST' ? (INVOKE.exec(incoming.url ?? '') ?? []) : []
    const body = await receive(incoming, outgoing, whole === undefined ? QUOTAS.requestBytes : QUOTAS.payloadBytes)
    const caller = identify(body)
    if (whole === undefined) await forward(incoming, outgoing, { body, caller, requestId }, options)
    else {
      const call = {
        name: plain ?? streamed ?? '',
        query: new URLSearchParams(query),
        payload: body,
        streamed: streamed !== undefined,
      }
      await invoke(incoming, outgoing, call, options)
    }
  } catch (error) {
    if (error instanceof AmpouleError && error.code === 'Cancelled') return
    const refusal = toLambdaError(error)
    if (refusal.type === 'ServiceException') report(refusal, requestId, options)
    const response = writeError(refusal)
    answer(
      incoming,
      outgoing,
      response.status,
      [...response.headers],
      new Uint8Array(await response.arrayBuffer()),
      requestId,
      options,
    )
  }
}

async function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { body: received, caller, requestId }: { readonly body: Uint8Array; readonly caller: Caller; readonly requestId: string },
  options: ManagementLaneOptions,
): Promise<void> {
  // Of its own: it is moved to the other thread.
  const body = new Uint8Array(received)
  const headers = Object.entries(incoming.headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
  )
  const request = {
    method: incoming.method ?? 'GET',
    url: `http://${incoming.headers.host ?? 'localhost'}${incoming.url ?? '/'}`,
    headers,
    body,
    caller,
  }
  const question: Question = { kind: 'request', request }
  // What is being changed is finished, also when the host is stopped meanwhile.
  const running = { abort: () => undefined }
  options.inFlight.enter(running)
  const asked = options.supervisor.ask(question, [body.buffer]).finally(() => options.inFlight.leave(running))
  const given = (await asked) as ForwardedAnswer
  answer(incoming, outgoing, given.status, given.headers, given.body, requestId, options)
}

/** A call of Invoke, or of InvokeWithResponseStream (`streamed`). */
interface Call {
  readonly name: string
  readonly query: URLSearchParams
  readonly payload: Uint8Array
  readonly streamed: boolean
}

async function invoke(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { name, query, payload, streamed }: Call,
  options: ManagementLaneOptions,
): Promise<void> {
  const header = (key: string): string | undefined => {
    const value = incoming.headers[key]
    return Array.isArray(value) ? value[0] : value
  }
  const type = header('x-amz-invocation-type') ?? 'RequestResponse'
  if (type !== 'RequestResponse' && type !== 'DryRun' && (type !== 'Event' || streamed))
    throw new LambdaError(
      'ValidationException',
      `1 validation error detected: Value '${type}' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [${streamed ? '' : 'Event, '}RequestResponse, DryRun]`,
    )
  for (const [key, parameter] of NOT_PROVIDED)
    if (header(key) !== undefined)
      throw invalidParameter(`The parameter ${parameter} is not supported by this host: leave it out`)
  const reference = qualify(parseFunctionReference(decode(name), options.account), query.get('Qualifier') ?? undefined)
  if (type === 'Event')
    return accept(incoming, outgoing, { reference, payload, clientContext: header('x-amz-client-context') }, options)
  if (type === 'DryRun') {
    await options.directory.find(reference)
    return answer(incoming, outgoing, 204, [], new Uint8Array(), randomUUID(), options)
  }
  const { arn, target } = await resolve(reference, options)
  const prepared = prepareInvoke(
    {
      payload,
      clientContext: header('x-amz-client-context'),
      tail: header('x-amz-log-type') === 'Tail',
      arn,
      target,
    },
    recorded(target, options.invocations, options.logs),
  )
  await run(incoming, outgoing, { ...prepared, streamed }, target, options)
}

/** Answers when the event is on disk. */
async function accept(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  {
    reference,
    payload,
    clientContext,
  }: { readonly reference: FunctionReference; readonly payload: Uint8Array; readonly clientContext: string | undefined },
  options: ManagementLaneOptions,
): Promise<void> {
  checkEvent(payload, clientContext)
  await options.directory.find(reference)
  const requestId = randomUUID()
  const text = payload.length === 0 ? '{}' : Buffer.from(payload).toString('utf8')
  const question: Question = { kind: 'event', event: { ...reference, requestId, payload: text, clientContext } }
  const accepted = (await options.supervisor.ask(question)) as EventAnswer
  if (!accepted.ok) throw new LambdaError(accepted.type, accepted.message, { members: accepted.members })
  answer(incoming, outgoing, 202, [], new Uint8Array(), requestId, options)
}

async function run(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { invocation, run: start, streamed }: Prepared & { readonly streamed: boolean },
  target: Target,
  options: ManagementLaneOptions,
): Promise<void> {
  const gone = (): void => {
    if (!outgoing.writableFinished) invocation.abort(clientGone())
  }
  options.inFlight.enter(invocation)
  outgoing.on('close', gone)
  try {
    const answered = await start(hosted(target, options))
    const { functionError, logResult, payload } = answered
    const headers: (readonly [string, string])[] = [['x-amz-executed-version', target.version]]
    if (streamed) {
      headers.push(['content-type', EVENT_STREAM_TYPE])
      return answer(incoming, outgoing, 200, headers, encodeAnswer(answered), invocation.requestId, options)
    }
    headers.push(['content-type', 'application/json'])
    if (functionError !== undefined) headers.push(['x-amz-function-error', functionError])
    if (logResult !== undefined) headers.push(['x-amz-log-result', logResult])
    answer(incoming, outgoing, 200, headers, Buffer.from(payload), invocation.requestId, options)
  } finally {
    options.inFlight.leave(invocation)
  }
}

function receive(incoming: IncomingMessage, outgoing: ServerResponse, maxBytes: number): Promise<Uint8Array> {
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes)
    throw new LambdaError('RequestTooLargeException', `Request must be smaller than ${maxBytes} bytes`)
  if (incoming.headers.expect !== undefined) outgoing.writeContinue()
  return readBody(incoming, maxBytes)
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    throw invalidParameter(`The function name ${JSON.stringify(name)} is not valid percent-encoding`)
  }
}

function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  status: number,
  headers: Iterable<readonly [string, string]>,
  body: Uint8Array,
  requestId: string,
  { inFlight }: ManagementLaneOptions,
): void {
  const head = { status, headers: [...headers].flat(), contentLength: undefined }
  sendWhole(incoming, outgoing, head, body, { extra: ['x-amzn-requestid', requestId], close: inFlight.draining })
}

function report(error: LambdaError, requestId: string, { invocations: { observe, now } }: ManagementLaneOptions): void {
  const { cause } = error
  const why = cause instanceof Error ? (cause.stack ?? cause.message) : error.message
  observe({ type: 'host', time: now(), level: 'error', message: `management request ${requestId} failed: ${why}` })
}

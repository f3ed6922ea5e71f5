import type { EventForm } from '../component/contract.ts'
import type { ExchangeAnswer, ExchangeRequest, FunctionRunner, InvocationReport } from '../engine/contract.ts'
import { AmpouleError } from '../errors.ts'
import type { FunctionSettings } from '../functions/settings.ts'
import type { GuestRequest, GuestResponse } from '../wasi/contract.ts'
import { toInvocationError } from './failure.ts'
import type { Invocation } from './invocation.ts'
import type { EventOrigin, Invoked } from './batch-event.ts'
import { decodeEnvelope, encodeChecked, own } from './envelope.ts'
import { decodeMessage, encodeMessage, MalformedMessage } from './message.ts'
import { nextPhase } from './phase.ts'
import { decodeSent, sentInExchange, type SentMessage } from './sent.ts'

/** A function that this lane can run. */
export interface HostedFunction {
  readonly settings: FunctionSettings
  readonly runner: FunctionRunner
  /** Sends what the function has sent, which is on disk when this resolves. Undefined: it may send nothing, and what it sends is passed over. */
  readonly send?: ((messages: readonly SentMessage[]) => Promise<void>) | undefined
}

export type HostedFunctions = ReadonlyMap<string, HostedFunction>

/** Which way into the guest a request takes: what the settings say, else events when the component has them. */
export function wayFor({ settings, runner }: HostedFunction): 'event' | 'wasi-http' {
  const { ways } = runner
  if (ways.event && settings.kind !== 'wasi-http') return 'event'
  if (ways.http && settings.kind !== 'event') return 'wasi-http'
  const wanted =
    settings.kind === undefined
      ? 'neither handle nor wasi:http/incoming-handler'
      : `no ${settings.kind === 'event' ? 'handle' : 'wasi:http/incoming-handler'}`
  throw new AmpouleError('InvalidComponent', `the component of "${settings.name}" exports ${wanted}`)
}

export interface EventOutcome<T> {
  readonly answer: T
  readonly report: InvocationReport
}

/** Runs an encoded event and reads the answer with `decode`, whose `MalformedMessage` is the guest's fault: `InvalidResponse`. */
export const runEvent = <T>(
  target: HostedFunction,
  invocation: Invocation,
  event: Uint8Array,
  decode: (payload: Uint8Array, events: EventForm) => T,
): Promise<EventOutcome<T>> =>
  run(target, invocation, async (runner) => {
    const { payload, report } = await runner.invokeEvent(event, invocation)
    const { maxResponseBytes } = runner.spec.limits
    if (payload.byteLength > maxResponseBytes) throw responseTooLarge(payload.byteLength, maxResponseBytes)
    return { report, read: () => decode(payload, runner.events), sent: () => decodeSent(payload, runner.events) }
  })

/** The same by a function's `exchange`. */
export const runExchange = <T>(
  target: HostedFunction,
  invocation: Invocation,
  request: ExchangeRequest,
  decode: (answer: ExchangeAnswer & { readonly ok: true }) => T,
): Promise<EventOutcome<T>> =>
  run(target, invocation, async (runner) => {
    const { answer, report } = await runner.invokeExchange(request, invocation)
    return { report, read: () => decode(answer), sent: () => sentInExchange(answer.strings) }
  })

async function run<T>(
  target: HostedFunction,
  invocation: Invocation,
  call: (runner: FunctionRunner) => Promise<{
    readonly report: InvocationReport
    readonly read: () => T
    readonly sent: () => readonly SentMessage[]
  }>,
): Promise<EventOutcome<T>> {
  let report: InvocationReport | undefined
  let { runner } = target
  try {
    await nextPhase(target.runner)
    if (invocation.abortReason !== undefined) throw invocation.abortReason
    // Taken where it is used: a deployment may have put another in its place, and may do so again while this one runs.
    ;({ runner } = target)
    invocation.sourceMap = runner.spec.sourceMap
    const called = await call(runner)
    report = called.report
    const answer = called.read()
    const sent = target.send === undefined ? [] : called.sent()
    if (sent.length > 0) await target.send?.(sent)
    invocation.end(undefined, report)
    return { answer, report }
  } catch (error) {
    const failure = toInvocationError(malformedIsInvalid(error), invocation.abortReason, runner.events)
    throw await invocation.fail(failure, report)
  }
}

/** Runs a `wasi:http` request to the head of its response. The invocation is ended and reported when `done` settles. */
export async function runHttp(
  target: HostedFunction,
  invocation: Invocation,
  request: GuestRequest,
): Promise<{ readonly response: GuestResponse; readonly done: Promise<InvocationReport | undefined> }> {
  try {
    await nextPhase(target.runner)
    if (invocation.abortReason !== undefined) throw invocation.abortReason
    const { response, done } = await target.runner.invokeHttp(request, invocation)
    invocation.status = response.status
    return { response, done: settleHttp(target, invocation, done) }
  } catch (error) {
    throw fail(target, invocation, error, undefined)
  }
}

async function settleHttp(
  target: HostedFunction,
  invocation: Invocation,
  done: Promise<InvocationReport>,
): Promise<InvocationReport | undefined> {
  try {
    const report = await done
    invocation.end(invocation.abortReason, report)
    return report
  } catch (error) {
    fail(target, invocation, error, undefined)
    return undefined
  }
}

/** Invokes a function directly with a value decoded from JSON; gives the value that it answers with. Event world only. */
export async function invokeValue(
  target: HostedFunction,
  invocation: Invocation,
  payload: unknown,
  invoked?: Invoked,
): Promise<EventOutcome<unknown>> {
  return await invokeEncoded(
    target,
    invocation,
    (origin, events) => encodeInvokeEvent({ ...origin, payload, ...(invoked !== undefined && { invoked }) }, events),
    decodePayload,
  )
}

/** Runs the event that `encode` makes for this invocation, unless it is larger than the function allows. */
export async function invokeEncoded<T>(
  target: HostedFunction,
  invocation: Invocation,
  encode: (origin: EventOrigin, events: EventForm) => Uint8Array,
  decode: (payload: Uint8Array, events: EventForm) => T,
): Promise<EventOutcome<T>> {
  const { spec, events } = target.runner
  let event: Uint8Array
  try {
    const { requestId: id, startedMs } = invocation
    const functionName = target.settings.name
    event = encode({ id, functionName, deadlineMs: startedMs + spec.limits.timeoutMs }, events)
  } catch (error) {
    throw fail(target, invocation, error, undefined)
  }
  if (event.byteLength > spec.limits.maxRequestBytes)
    throw fail(target, invocation, payloadTooLarge(event.byteLength, spec.limits.maxRequestBytes), undefined)
  return await runEvent(target, invocation, event, decode)
}

/** A direct invocation as an event (docs/events.md). */
export interface InvokeEvent extends EventOrigin {
  /** What JSON can hold; undefined counts as null. */
  readonly payload: unknown
}

/** In the form that the runner's `events` names. Throws `InvalidRequest` when the payload is nested too deeply. */
export function encodeInvokeEvent(event: InvokeEvent, events: EventForm): Uint8Array {
  const { id, functionName: fn, deadlineMs: deadline, invoked, payload = null } = event
  const head = { type: 'invoke', id, fn, deadline, ...(invoked !== undefined && { invoked }), payload }
  try {
    return events === 'json' ? encodeChecked(head) : encodeMessage(head)
  } catch (error) {
    if (error instanceof MalformedMessage)
      throw new AmpouleError('InvalidRequest', `the payload is not valid: ${error.message}`, { cause: error })
    if (!(error instanceof RangeError)) throw error
    throw new AmpouleError('InvalidRequest', 'the payload is nested too deeply', { cause: error })
  }
}

/** The payload of an answer in the form that the runner's `events` names. Throws `MalformedMessage`. */
export function decodePayload(bytes: Uint8Array, events: EventForm): unknown {
  const value = events === 'json' ? decodeEnvelope(bytes).head : decodeMessage(bytes)
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'payload'))
    throw new MalformedMessage('a map with "payload" was expected')
  return own(value, 'payload')
}

/** `bytes` undefined: not known, because reading stopped at the limit. */
export const payloadTooLarge = (bytes: number | undefined, limit: number): AmpouleError =>
  new AmpouleError(
    'PayloadTooLarge',
    `the request${bytes === undefined ? '' : ` of ${bytes} bytes`} is larger than ${limit} bytes (maxRequestBytes)`,
  )

const responseTooLarge = (bytes: number, limit: number): AmpouleError =>
  new AmpouleError('ResponseTooLarge', `the response of ${bytes} bytes is larger than ${limit} bytes (maxResponseBytes)`)

const malformedIsInvalid = (error: unknown): unknown =>
  error instanceof MalformedMessage
    ? new AmpouleError('InvalidResponse', `the function's answer is not valid: ${error.message}`, { cause: error })
    : error

function fail(
  { runner }: HostedFunction,
  invocation: Invocation,
  error: unknown,
  report: InvocationReport | undefined,
): AmpouleError {
  const failure = toInvocationError(error, invocation.abortReason, runner.events)
  invocation.end(failure, report)
  return failure
}

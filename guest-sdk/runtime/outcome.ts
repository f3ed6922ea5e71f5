import { FAILURES, SENT, STATE, type InvocationContext } from './context.ts'
import { sealEnvelope } from './envelope.ts'
import { describeError } from './errors.ts'
import type { HttpAnswer, Text } from './function.ts'
import { fromLambdaResult, toJson } from './lambda.ts'

/** What a handler gave, or will give, and how the bytes of the answer are made of it. */
export interface Outcome {
  readonly result: unknown
  readonly seal: (value: unknown, text: Text, context: InvocationContext) => Uint8Array
  /** Of an HTTP request only: the answer before it is sealed. */
  readonly answer?: (value: unknown) => HttpAnswer
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what callFetch makes
export const asHttpAnswer = (value: unknown): HttpAnswer => value as HttpAnswer

export const sealHttp: Outcome['seal'] = (value, text, context) => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what callFetch and fromLambdaResult make
  const { status, headers, body } = value as HttpAnswer
  return sealEnvelope(`{"status":${status},"headers":${JSON.stringify(headers)}${sentOf(context)}}`, body, text)
}

export const sealLambda: Outcome['seal'] = (value, text, context) => sealHttp(fromLambdaResult(value), text, context)

export const sealPayload: Outcome['seal'] = (value, text, context) =>
  sealEnvelope(`{"payload":${value === undefined ? 'null' : toJson(value)}${sentOf(context)}}`, null, text)

export const sealFailures: Outcome['seal'] = (_, text, context) => {
  const failures = JSON.stringify(context[FAILURES]?.() ?? [])
  const state = context[STATE] === undefined ? '' : `,"state":${JSON.stringify(context[STATE]()) ?? 'null'}`
  return sealEnvelope(`{"failures":${failures}${state}${sentOf(context)}}`, null, text)
}

export const sealNothing: Outcome['seal'] = (_, text, context) => {
  const sent = context[SENT]
  return sealEnvelope(sent === undefined ? '{}' : JSON.stringify({ sent }), null, text)
}

/** Further members of a head: messages to queues. */
const sentOf = (context: InvocationContext): string => {
  const sent = context[SENT]
  return sent === undefined ? '' : `,"sent":${JSON.stringify(sent)}`
}

/**
 * What an invocation fails with. Of a batch, what the handler had acknowledged before stays done. `place`: where the handler begins that was
 * called.
 */
export function sealError(
  error: unknown,
  text: Text,
  context: InvocationContext | undefined,
  place: string | undefined,
): Uint8Array {
  const failures = context?.[FAILURES]?.()
  const described = describeError(error)
  const description = described.stack === '' && place !== undefined ? { ...described, stack: place } : described
  return sealEnvelope(JSON.stringify(failures === undefined ? description : { ...description, failures }), null, text)
}

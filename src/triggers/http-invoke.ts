import type { Invocation } from '../invoke/invocation.ts'
import { runEvent, runExchange, type EventOutcome, type HostedFunction } from '../invoke/invoke.ts'
import { decodeHttpAnswer, encodeHttpEvent, type HttpAnswer, type HttpEvent } from './http-event.ts'
import { decodeExchange, encodeExchange } from './http-exchange.ts'

/** What the caller knows of a request; id and deadline are the invocation's. */
export type HttpInput = Omit<HttpEvent, 'id' | 'functionName' | 'deadlineMs'>

/** Takes a request into a function of the event world, by the shortest way that it has. Rejects like `runEvent`. */
export function invokeHttpEvent(
  target: HostedFunction,
  invocation: Invocation,
  input: HttpInput,
): Promise<EventOutcome<HttpAnswer>> {
  const { runner, settings } = target
  const deadlineMs = invocation.startedMs + runner.spec.limits.timeoutMs
  const event = { id: invocation.requestId, functionName: settings.name, deadlineMs, ...input }
  const exchange = runner.ways.exchange ? encodeExchange(event, invocation.startedMs) : undefined
  if (exchange !== undefined)
    return runExchange(target, invocation, exchange, (answer) => noted(invocation, decodeExchange(answer)))
  return runEvent(target, invocation, encodeHttpEvent(event, runner.events), (payload, events) =>
    noted(invocation, decodeHttpAnswer(payload, events)),
  )
}

function noted(invocation: Invocation, answer: HttpAnswer): HttpAnswer {
  invocation.status = answer.head.status
  return answer
}

import { randomUUID } from 'node:crypto'
import { AmpouleError } from '../errors.ts'
import { nearest } from '../functions/suggest.ts'
import type { InFlight } from '../gateway/in-flight.ts'
import { invokeQueue, invokeScheduled, invokeStream } from '../invoke/batch.ts'
import { Invocation, type InvocationOptions } from '../invoke/invocation.ts'
import type { EventOutcome, HostedFunction, HostedFunctions } from '../invoke/invoke.ts'

/** One invocation by hand. Texts stand as they were typed. */
export type TriggerRequest =
  | { readonly trigger: 'queue'; readonly function: string; readonly queue: string; readonly bodies: readonly string[] }
  | {
      readonly trigger: 'stream'
      readonly function: string
      readonly stream: string
      readonly key: string
      readonly data: readonly string[]
    }
  | {
      readonly trigger: 'cron'
      readonly function: string
      readonly cron: string
      /** Milliseconds since the epoch. */
      readonly timeMs: number
    }

export interface TriggerHost {
  readonly functions: () => HostedFunctions
  readonly inFlight: InFlight
  readonly invocations: InvocationOptions
}

/** Runs it. Rejects with the `AmpouleError` of the invocation, `FunctionNotFound` when there is no such function. */
export async function runTrigger(request: TriggerRequest, { functions, inFlight, invocations }: TriggerHost): Promise<unknown> {
  const target = functions().get(request.function)
  if (target === undefined) {
    const near = nearest(request.function, functions().keys())
    throw new AmpouleError(
      'FunctionNotFound',
      `there is no function ${JSON.stringify(request.function)}${near === undefined ? '' : `; did you mean "${near}"?`}`,
    )
  }
  const invocation = new Invocation(target.settings.name, invocations, aboutOf(request))
  inFlight.enter(invocation)
  try {
    const { answer } = await invoke(request, target, invocation)
    return answer ?? null
  } catch (error) {
    // One that never came to run (there is no version of it) is reported all the same.
    if (error instanceof AmpouleError) invocation.end(error, undefined)
    throw error
  } finally {
    inFlight.leave(invocation)
  }
}

async function invoke(request: TriggerRequest, target: HostedFunction, invocation: Invocation): Promise<EventOutcome<unknown>> {
  const now = invocation.startedMs
  switch (request.trigger) {
    case 'queue': {
      const messages = request.bodies.map((body) => ({ id: randomUUID(), timestampMs: now, attempts: 1, body }))
      return await invokeQueue(target, invocation, { queue: request.queue, messages })
    }
    case 'stream': {
      const { key } = request
      const records = request.data.map((data, index) => ({
        id: String(BigInt(now) * 1000n + BigInt(index)),
        key,
        timestampMs: now,
        data: Buffer.from(data),
      }))
      return await invokeStream(target, invocation, { stream: request.stream, shard: 'shard-0', records })
    }
    case 'cron':
      return await invokeScheduled(target, invocation, { schedule: request.function, cron: request.cron, timeMs: request.timeMs })
    default:
      return request satisfies never
  }
}

function aboutOf(request: TriggerRequest): string {
  switch (request.trigger) {
    case 'queue':
      return `queue ${request.queue} (${counted(request.bodies.length, 'message')})`
    case 'stream':
      return `stream ${request.stream} (${counted(request.data.length, 'record')})`
    case 'cron':
      return `cron ${request.cron}`
    default:
      return request satisfies never
  }
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** What came over HTTP as a request. Throws `InvalidRequest`. */
export function readTriggerRequest(value: unknown): TriggerRequest {
  if (typeof value === 'object' && value !== null) {
    const all = value as Record<string, unknown>
    const { trigger, function: name } = all
    const texts = (key: string): readonly string[] | undefined => {
      const list = all[key]
      return Array.isArray(list) && list.every((one) => typeof one === 'string') ? list : undefined
    }
    const { queue, stream, key, cron, timeMs } = all
    const [bodies, data] = [texts('bodies'), texts('data')]
    if (typeof name === 'string') {
      if (trigger === 'queue' && typeof queue === 'string' && bodies !== undefined)
        return { trigger, function: name, queue, bodies }
      if (trigger === 'stream' && typeof stream === 'string' && typeof key === 'string' && data !== undefined)
        return { trigger, function: name, stream, key, data }
      if (trigger === 'cron' && typeof cron === 'string' && typeof timeMs === 'number')
        return { trigger, function: name, cron, timeMs }
    }
  }
  throw new AmpouleError('InvalidRequest', 'the body is not a trigger of ampoule dev')
}

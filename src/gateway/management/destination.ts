import type { Control } from '../../control/control.ts'
import { formatFunctionArn, parseFunctionReference, type Account } from '../../functions/arn.ts'
import { invalidParameter } from '../../functions/lambda-error.ts'
import { parseHttpDestinationArn } from '../../functions/http-destination.ts'
import { parseQueueArn } from '../../functions/queue-arn.ts'
import { parseStreamArn } from '../../functions/stream-arn.ts'
import { findVersion } from './find.ts'

/** What a destination can be. */
export type DestinationKind = 'queue' | 'function' | 'stream' | 'http'

const NAMES: Readonly<Record<DestinationKind, string>> = {
  queue: 'an SQS queue',
  function: 'a function',
  stream: 'a Kinesis stream',
  http: 'an HTTP destination of the configuration',
}

/**
 * Where something is sent that has ended: the ARN of a queue, a stream, a function or an HTTP destination of this host. `place`: the parameter that has it. Undefined for
 * nothing. Throws `InvalidParameterValueException` for everything else, also for what is not there.
 */
export async function requireDestination(
  arn: string | undefined,
  place: string,
  kinds: readonly DestinationKind[],
  control: Control,
): Promise<string | undefined> {
  if (arn === undefined || arn === '') return undefined
  const { account, queues, streams, http, taken, store } = control
  const queue = parseQueueArn(arn, account)
  if (queue !== undefined && kinds.includes('queue')) {
    // Lambda's rule: what comes there has no message group.
    if (queue.endsWith('.fifo')) throw invalidParameter(`The ${place} ${arn} is a FIFO queue, which is not supported`)
    if ((await queues.engine.definition(queue)) === undefined) throw missing(place, arn)
    return arn
  }
  const stream = parseStreamArn(arn, account)
  if (stream !== undefined && kinds.includes('stream')) {
    if ((await streams.engine.definition(stream)) === undefined) throw missing(place, arn)
    return arn
  }
  const destination = parseHttpDestinationArn(arn, account)
  if (destination !== undefined && kinds.includes('http')) {
    if (http.has(destination)) return arn
    throw invalidParameter(
      `The ${place} ${arn} is none of the httpDestinations in ampoule.jsonc (${http.names.join(', ') || 'there are none'})`,
    )
  }
  if (kinds.includes('function') && isFunction(arn, account)) {
    const reference = parseFunctionReference(arn, account)
    if (!taken.has(reference.name))
      await findVersion(reference, store, control).catch(() => {
        throw missing(place, arn)
      })
    return arn
  }
  throw invalidParameter(`The ${place} ${arn} must be the ARN of ${kinds.map((kind) => NAMES[kind]).join(' or ')} of this host`)
}

/** Throws `InvalidParameterValueException` for a function's own ARN: it would be invoked without end. */
export function refuseSelf(arn: string | undefined, place: string, name: string, account: Account): void {
  const own = formatFunctionArn(account, name)
  if (arn === own || arn?.startsWith(`${own}:`) === true)
    throw invalidParameter(`The ${place} ${arn} is the function itself: it would be invoked without end`)
}

const isFunction = (arn: string, account: Account): boolean => arn.startsWith(formatFunctionArn(account, ''))

const missing = (place: string, arn: string): Error => invalidParameter(`The ${place} ${arn} does not exist`)

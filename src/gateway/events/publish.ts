import type { Control } from '../../control/control.ts'
import { filtersOf, mappingOf } from '../../control/triggers/mapping.ts'
import type { AcceptedEvent } from '../../control/lane-protocol.ts'
import { formatBusArn } from '../../functions/bus-arn.ts'
import { LambdaError } from '../../functions/lambda-error.ts'
import { QUOTAS } from '../../functions/quotas.ts'
import { readCloudEvents } from './cloud-events.ts'

/**
 * `POST /events`: CloudEvents 1.0. Each goes to every function with an event source mapping of the bus that it fits, as an asynchronous invocation,
 * whose payload is the event in the JSON format. Answers with `{ "invocations": [{ "id", "function", "requestId" }] }` when all are on disk.
 */
export async function publishEvents(headers: Headers, body: Uint8Array, control: Control): Promise<object> {
  const { account, store, events, uuid } = control
  const published = readCloudEvents(headers, body)
  const mappings = (await store.list('event_source_mappings', { where: { source: formatBusArn(account) } })).flatMap((record) => {
    const { enabled, qualifier, given } = mappingOf(record)
    return enabled ? [{ name: record.name, qualifier, patterns: filtersOf(given) }] : []
  })
  const accepted = published.flatMap((event, index) => {
    const payload = JSON.stringify(event)
    if (Buffer.byteLength(payload) > QUOTAS.eventBytes)
      throw new LambdaError(
        'RequestTooLargeException',
        `Event ${index} has ${Buffer.byteLength(payload)} bytes as JSON, the limit is ${QUOTAS.eventBytes}`,
      )
    return mappings
      .filter(({ patterns }) => patterns.length === 0 || patterns.some((matches) => matches(event)))
      .map(({ name, qualifier }) => ({
        id: String(event['id']),
        invocation: { name, qualifier, requestId: uuid(), payload, clientContext: undefined } satisfies AcceptedEvent,
      }))
  })
  await events.acceptAll(accepted.map(({ invocation }) => invocation))
  return {
    invocations: accepted.map(({ id, invocation }) => ({ id, function: invocation.name, requestId: invocation.requestId })),
  }
}

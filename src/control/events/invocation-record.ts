import { formatFunctionArn, LATEST, type Account } from '../../functions/arn.ts'
import { QUOTAS } from '../../functions/quotas.ts'
import type { Attempt, Condition, EventInvocationRecord } from '../../store/records.ts'
import type { MessageAttributes } from '../sent-attributes.ts'

/** An event that is not run any more. */
export interface Ended {
  /** With all its attempts. */
  readonly event: EventInvocationRecord
  readonly condition: Condition
  /** Undefined: it was never run, or is not now known. */
  readonly last: Attempt | undefined
}

/**
 * What destinations get: the JSON of AWS Lambda, "Capturing records of Lambda asynchronous invocations". One that would be larger than an
 * event can be has no `responsePayload`.
 */
export function invocationRecord(ended: Ended, account: Account, now: number): string {
  const record = formatRecord(ended, account, now)
  if (ended.last?.payload === undefined || Buffer.byteLength(record) <= QUOTAS.eventBytes) return record
  return formatRecord({ ...ended, last: { ...ended.last, payload: undefined } }, account, now)
}

function formatRecord({ event, condition, last }: Ended, account: Account, now: number): string {
  const head = {
    version: '1.0',
    timestamp: new Date(now).toISOString(),
    requestContext: {
      requestId: event.requestId,
      functionArn: formatFunctionArn(account, event.name, event.qualifier ?? LATEST),
      condition,
      approximateInvokeCount: event.attempts,
    },
  }
  const members = [JSON.stringify(head).slice(1, -1), `"requestPayload":${event.payload}`]
  if (last !== undefined) {
    const { status: statusCode, version, functionError } = last
    const context = {
      statusCode,
      ...(version !== undefined && { executedVersion: version }),
      ...(functionError !== undefined && { functionError }),
    }
    members.push(`"responseContext":${JSON.stringify(context)}`)
    // As it is: reading megabytes of JSON to write them again would hold up the host.
    if (last.payload !== undefined) members.push(`"responsePayload":${last.payload}`)
  }
  return `{${members.join(',')}}`
}

/** The record as a CloudEvent 1.0, structured, for HTTP destinations: of the type `ampoule.invocation.success` or `ampoule.invocation.failure`. */
export function invocationEvent({ event, condition }: Ended, record: string, account: Account, now: number): string {
  const head = {
    specversion: '1.0',
    id: event.requestId,
    source: formatFunctionArn(account, event.name, event.qualifier ?? LATEST),
    type: `ampoule.invocation.${condition === 'Success' ? 'success' : 'failure'}`,
    time: new Date(now).toISOString(),
    datacontenttype: 'application/json',
  }
  return `${JSON.stringify(head).slice(0, -1)},"data":${record}}`
}

/** AWS Lambda, "Adding a dead-letter queue": of the error there is the first kilobyte. */
const MAX_ERROR_MESSAGE = 1024

/** What a message of a dead-letter queue says of the event that is its body. */
export function deadLetterAttributes({ event, condition, last }: Ended): MessageAttributes {
  return {
    RequestID: { DataType: 'String', StringValue: event.requestId },
    ErrorCode: { DataType: 'Number', StringValue: String(last?.status ?? 429) },
    ErrorMessage: { DataType: 'String', StringValue: messageOf(last) ?? condition },
  }
}

function messageOf(last: Attempt | undefined): string | undefined {
  if (last?.payload === undefined) return undefined
  const { errorMessage } = JSON.parse(last.payload) as { readonly errorMessage?: unknown }
  return typeof errorMessage === 'string' && errorMessage !== '' ? errorMessage.slice(0, MAX_ERROR_MESSAGE) : undefined
}

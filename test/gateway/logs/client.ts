import { CloudWatchLogsClient, FilterLogEventsCommand, type FilterLogEventsCommandInput } from '@aws-sdk/client-cloudwatch-logs'
import type { ManagedHost } from '../management/host.ts'

export function logsClient(endpoint: string, credentials = { accessKeyId: 'any', secretAccessKey: 'any' }): CloudWatchLogsClient {
  return new CloudWatchLogsClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 })
}

/** An event as this host gives it. */
export interface Event {
  readonly timestamp: number
  readonly message: string
  readonly logStreamName: string
  readonly eventId: string
}

/** All that a function has logged, in the order of time, page after page. */
export async function logOf(
  client: CloudWatchLogsClient,
  name: string,
  more: Partial<FilterLogEventsCommandInput> = {},
): Promise<readonly Event[]> {
  const events: Event[] = []
  let nextToken: string | undefined
  do {
    const page = await client.send(
      new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${name}`, ...more, ...(nextToken !== undefined && { nextToken }) }),
    )
    events.push(...((page.events ?? []) as Event[]))
    ;({ nextToken } = page)
  } while (nextToken !== undefined)
  return events
}

export const messages = (events: readonly Event[]): readonly string[] => events.map(({ message }) => message)

/** The same with what this host adds and no SDK knows, of one page. */
export async function kindsOf(managed: ManagedHost, name: string): Promise<readonly { kind: string; message: string }[]> {
  const { body } = await raw(managed, 'FilterLogEvents', JSON.stringify({ logGroupName: `/aws/lambda/${name}` }))
  return body['events'] as { kind: string; message: string }[]
}

/** The API as no SDK would use it. */
export async function raw(managed: ManagedHost, operation: string, body: string, headers: Record<string, string> = {}) {
  const response = await fetch(managed.host.managementUrl ?? '', {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `Logs_20140328.${operation}`, ...headers },
    body,
  })
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: (await response.json()) as Record<string, unknown>,
  }
}

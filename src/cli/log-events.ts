import { setTimeout as wait } from 'node:timers/promises'
import { HostRefusal, type AskHost } from './host-request.ts'

/** An event of `FilterLogEvents`, with what Ampoule adds. */
export interface ReadEvent {
  readonly eventId: string
  readonly timestamp: number
  readonly logStreamName: string
  readonly message: string
  readonly kind: string
  readonly requestId?: string
}

export interface FollowOptions {
  readonly group: string
  readonly sinceMs: number
  /** Empty: all. */
  readonly versions: readonly string[]
  readonly pattern: string | undefined
  /** False: ends with what there is. */
  readonly follow: boolean
  readonly signal: AbortSignal
}

const POLL_MS = 1_000

export async function filterLogEvents(ask: AskHost, body: object) {
  const answer = await ask({
    method: 'POST',
    path: '/',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Logs_20140328.FilterLogEvents' },
    body,
    service: 'logs',
  })
  return answer as { readonly events: readonly ReadEvent[]; readonly nextToken?: string }
}

/** The events in the order of time. While it follows, a log that does not exist yet is waited for; else it rejects as `ask` does. */
export async function* readEvents(ask: AskHost, options: FollowOptions): AsyncGenerator<ReadEvent> {
  const { group, versions, pattern, follow, signal } = options
  let latestMs = options.sinceMs
  /** Those at `latestMs` that were given already. */
  let given = new Set<string>()
  for (;;) {
    const startTime = latestMs
    let nextToken: string | undefined
    do {
      const page = await filterLogEvents(ask, {
        logGroupName: group,
        startTime,
        ...(pattern !== undefined && { filterPattern: pattern }),
        ...(versions.length > 0 && { versions }),
        ...(nextToken !== undefined && { nextToken }),
      }).catch((error: unknown) => {
        if (follow && isMissing(error)) return { events: [] as readonly ReadEvent[], nextToken: undefined }
        throw error
      })
      for (const event of page.events) {
        if (given.has(event.eventId)) continue
        if (event.timestamp > latestMs) given = new Set()
        latestMs = event.timestamp
        given.add(event.eventId)
        yield event
      }
      ;({ nextToken } = page)
    } while (nextToken !== undefined)
    if (!follow) return
    await wait(POLL_MS, undefined, { signal })
  }
}

/** Whether there is no log of that name. */
export const isMissing = (error: unknown): boolean => error instanceof HostRefusal && error.type === 'ResourceNotFoundException'

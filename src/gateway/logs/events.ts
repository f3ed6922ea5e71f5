import type { Control } from '../../control/control.ts'
import { MAX_PATTERN } from '../../observe/logs/filter-pattern.ts'
import type { EventsQuery, LogEvent, StreamPosition } from '../../observe/logs/query.ts'
import { invalid, noSuchGroup, noSuchStream } from './error.ts'
import type { LogsInput } from './input.ts'
import { readToken, writeToken } from './token.ts'

/** CloudWatch Logs: "maximum value of 10000", and the default. */
const MOST_EVENTS = 10_000
const MOST_STREAMS = 100

/** What Ampoule adds to an event: who says it (of which invocation), which a message alone cannot prove. */
const own = ({ kind, requestId }: LogEvent) => ({ kind, ...(requestId !== undefined && { requestId }) })

export async function getLogEvents(input: LogsInput, control: Control): Promise<object> {
  const group = input.group(control.account)
  const stream = input.stream()
  const fromMs = input.integer('startTime', { min: 0 }) ?? 0
  // AWS: events at this time are not included.
  const toMs = (input.integer('endTime', { min: 0 }) ?? Number.MAX_SAFE_INTEGER) - 1
  const limit = input.integer('limit', { min: 1, max: MOST_EVENTS }) ?? MOST_EVENTS
  const fromHead = input.flag('startFromHead')
  const token = input.text('nextToken', { max: 4096 })
  input.flag('unmask')
  input.end()
  const place = token === undefined ? undefined : readPlace(token)
  const direction: EventsQuery['direction'] = place?.direction ?? (fromHead ? 'forward' : 'backward')
  await control.logs.collect()
  const events = await control.logs.store.events({ group, stream, from: place?.position, direction, fromMs, toMs, limit })
  if (events === undefined) throw await missing(group, control)
  // Where there is nothing more, a client gets the place back from which it asked.
  const [first, last] = [events[0]?.at ?? place?.position ?? NOWHERE, events.at(-1)?.at ?? place?.position ?? NOWHERE]
  return {
    events: events.map((event) => ({
      timestamp: event.timeMs,
      message: event.text,
      ingestionTime: event.ingestedMs,
      ...own(event),
    })),
    nextForwardToken: writePlace('forward', last),
    nextBackwardToken: writePlace('backward', first),
  }
}

const NOWHERE: StreamPosition = { chunk: 0, line: 0 }

const writePlace = (direction: EventsQuery['direction'], { chunk, line }: StreamPosition): string =>
  `${direction === 'forward' ? 'f' : 'b'}/${writeToken('events', [chunk, line])}`

function readPlace(token: string): Pick<EventsQuery, 'direction'> & { readonly position: StreamPosition } {
  const [, letter, rest = ''] = /^([fb])\/(.+)$/.exec(token) ?? []
  if (letter === undefined) throw invalid('The specified nextToken is invalid.')
  const [chunk, line] = readToken(rest, 'events', ['number', 'number'])
  return { direction: letter === 'f' ? 'forward' : 'backward', position: { chunk, line } }
}

async function missing(group: string, { logs }: Control): Promise<Error> {
  const [found] = await logs.store.groups({ prefix: group, pattern: '', after: undefined, limit: 1 })
  return found?.name === group ? noSuchStream() : noSuchGroup()
}

export async function filterLogEvents(input: LogsInput, control: Control): Promise<object> {
  const group = input.group(control.account)
  const streams = input.texts('logStreamNames', { most: MOST_STREAMS })
  const prefix = input.text('logStreamNamePrefix') ?? ''
  const fromMs = input.integer('startTime', { min: 0 }) ?? 0
  const endMs = input.integer('endTime', { min: 0 }) ?? Number.MAX_SAFE_INTEGER
  const pattern = input.text('filterPattern', { max: MAX_PATTERN }) ?? ''
  const limit = input.integer('limit', { min: 1, max: MOST_EVENTS }) ?? MOST_EVENTS
  const token = input.text('nextToken', { max: 4096 })
  // Ampoule's own: AWS can tell versions apart by streams only.
  const versions = input.texts('versions', { most: MOST_STREAMS })
  // Events of all streams are interleaved anyway, and nothing is masked.
  input.flag('interleaved')
  input.flag('unmask')
  input.end()
  if (streams.length > 0 && prefix !== '') throw invalid('Only one of logStreamNames and logStreamNamePrefix may be given')
  if (endMs < fromMs) throw invalid('endTime must not be before startTime')
  const [timeMs, chunk, line] = token === undefined ? [] : readToken(token, 'filter', ['number', 'number', 'number'])
  const after = timeMs === undefined || chunk === undefined || line === undefined ? undefined : { timeMs, chunk, line }
  // What comes after it may not have come from all lanes yet, and whoever follows the log would miss the rest.
  const toMs = Math.min(endMs, await control.logs.collect())
  const page = await control.logs.store.filter({ group, streams, prefix, versions, fromMs, toMs, pattern, after, limit })
  if (page === undefined) throw noSuchGroup()
  return {
    events: page.events.map((event) => ({
      logStreamName: event.stream,
      timestamp: event.timeMs,
      message: event.text,
      ingestionTime: event.ingestedMs,
      eventId: eventId(event),
      ...own(event),
    })),
    searchedLogStreams: [],
    ...(page.next !== undefined && { nextToken: writeToken('filter', [page.next.timeMs, page.next.chunk, page.next.line]) }),
  }
}

/** 56 digits, as AWS's. */
const eventId = ({ at: { timeMs, chunk, line } }: LogEvent): string =>
  `${String(timeMs).padStart(20, '3')}${String(chunk).padStart(20, '0')}${String(line).padStart(16, '0')}`

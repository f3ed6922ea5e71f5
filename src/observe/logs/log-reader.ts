import { zstdDecompressSync } from 'node:zlib'
import { renderEntries, unpackEntries } from './entry.ts'
import { parseFilterPattern } from './filter-pattern.ts'
import type { LogTables } from './log-tables.ts'
import type { EventsQuery, FilterPage, FilterQuery, GroupPosition, LogEvent } from './query.ts'

type Row = Readonly<Record<string, unknown>>

/** CloudWatch Logs: an answer has up to 1 MB, with 26 bytes for each event besides its message. */
const PAGE_BYTES = 1024 * 1024
const EVENT_BYTES = 26
/** So much is looked through for one page: nothing is written meanwhile; bytes of entries. */
const SEARCH_BYTES = 8 * 1024 * 1024

const COLUMNS = 'c.id, c.first, c.ingested, c.compressed, c.entries, s.name, s.version'

/** Reads of the log, in bounded pages. */
export class LogReader {
  readonly #tables: LogTables

  constructor(tables: LogTables) {
    this.#tables = tables
  }

  /** A part of one stream, in its order. Undefined: there is no such stream. */
  events({ group, stream, from, direction, fromMs, toMs, limit }: EventsQuery): readonly LogEvent[] | undefined {
    const found = this.#tables.groupOf(group)
    const own = found && this.#tables.prepare('SELECT id FROM log_streams WHERE group_id = ? AND name = ?').get(found.id, stream)
    if (own === undefined) return undefined
    const forward = direction === 'forward'
    const rows = this.#tables
      .prepare(
        `SELECT ${COLUMNS} FROM log_chunks c JOIN log_streams s ON s.id = c.stream_id
         WHERE c.stream_id = ? AND c.id ${forward ? '>=' : '<='} ? AND c.first <= ? AND c.last >= ? ORDER BY c.id ${forward ? 'ASC' : 'DESC'}`,
      )
      .iterate(Number(own['id']), from?.chunk ?? (forward ? 0 : Number.MAX_SAFE_INTEGER), toMs, fromMs)
    const events: LogEvent[] = []
    let bytes = 0
    for (const row of rows) {
      const lines = linesOf(row).filter(
        ({ timeMs, at }) =>
          timeMs >= fromMs &&
          timeMs <= toMs &&
          (from === undefined || at.chunk !== from.chunk || (forward ? at.line > from.line : at.line < from.line)),
      )
      for (const event of forward ? lines : lines.toReversed()) {
        bytes += sizeOf(event)
        if (events.length === limit || (bytes > PAGE_BYTES && events.length > 0)) return forward ? events : events.toReversed()
        events.push(event)
      }
    }
    return forward ? events : events.toReversed()
  }

  /** What fits of all streams of a group, in the order of time. Undefined: there is no such group. Throws what {@link parseFilterPattern} throws. */
  filter(query: FilterQuery): FilterPage | undefined {
    const { group, pattern, after, limit, toMs } = query
    const found = this.#tables.groupOf(group)
    if (found === undefined) return undefined
    const matches = parseFilterPattern(pattern)
    const fromMs = Math.max(query.fromMs, after?.timeMs ?? 0)
    const page: LogEvent[] = []
    let waiting: LogEvent[] = []
    let bytes = 0
    let searched = 0
    let worthAt = limit
    /** Everything before this time is known. Gives the place at which the page is full. */
    const emit = (beforeMs: number): GroupPosition | undefined => {
      waiting.sort((a, b) => compare(a.at, b.at))
      let taken = 0
      for (const event of waiting) {
        if (event.timeMs >= beforeMs) break
        bytes += sizeOf(event)
        if (page.length === limit || (bytes > PAGE_BYTES && page.length > 0)) return page.at(-1)?.at
        page.push(event)
        taken++
      }
      waiting = waiting.slice(taken)
      return undefined
    }
    for (const row of this.#chunks(query, found, fromMs)) {
      const firstMs = Number(row['first'])
      // Only where time goes on: the page after this one must not begin where this one did.
      if (firstMs > fromMs && (waiting.length + page.length >= worthAt || searched > SEARCH_BYTES)) {
        const end = emit(firstMs)
        if (end !== undefined) return { events: page, next: end }
        if (searched > SEARCH_BYTES) return { events: page, next: { timeMs: firstMs, chunk: 0, line: 0 } }
        // Streams that were written at once overlap: what waits is sorted a few times only.
        worthAt = Math.max(limit, 2 * (waiting.length + page.length))
      }
      searched += (row['entries'] as Uint8Array).length
      for (const event of linesOf(row)) {
        const { timeMs, at, text } = event
        const wanted = timeMs >= fromMs && timeMs <= toMs && (after === undefined || compare(at, after) > 0)
        if (wanted && matches(text)) waiting.push(event)
      }
    }
    return { events: page, next: emit(Infinity) }
  }

  #chunks(
    { toMs, streams, prefix, versions }: FilterQuery,
    { id, span }: { readonly id: number; readonly span: number },
    fromMs: number,
  ): Iterable<Row> {
    return this.#tables
      .prepare(
        `SELECT ${COLUMNS} FROM log_chunks c JOIN log_streams s ON s.id = c.stream_id
         WHERE c.group_id = ?1 AND c.first BETWEEN ?2 AND ?3 AND c.last >= ?4
           AND (?5 = '[]' OR s.name IN (SELECT value FROM json_each(?5)))
           AND substr(s.name, 1, length(?6)) = ?6
           AND (?7 = '[]' OR s.version IN (SELECT value FROM json_each(?7)))
         ORDER BY c.first`,
      )
      .iterate(id, fromMs - span, toMs, fromMs, JSON.stringify(streams), prefix, JSON.stringify(versions))
  }
}

function linesOf(row: Row): LogEvent[] {
  const [stream, version, chunk, ingestedMs] = [
    String(row['name']),
    String(row['version']),
    Number(row['id']),
    Number(row['ingested']),
  ]
  const kept = row['entries'] as Uint8Array
  const entries = unpackEntries(row['compressed'] === 1 ? zstdDecompressSync(kept) : kept)
  return Array.from(renderEntries(entries, version), (line, index) => ({
    ...line,
    stream,
    version,
    ingestedMs,
    at: { timeMs: line.timeMs, chunk, line: index },
  }))
}

const compare = (a: GroupPosition, b: GroupPosition): number => a.timeMs - b.timeMs || a.chunk - b.chunk || a.line - b.line

const sizeOf = ({ text }: LogEvent): number => Buffer.byteLength(text) + EVENT_BYTES

import type { LogLine } from './entry.ts'

export interface LogGroup {
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly createdMs: number
  /** Undefined: the host's. */
  readonly retentionDays: number | undefined
  /** On disk, as its entries are kept. */
  readonly bytes: number
}

export interface GroupQuery {
  readonly prefix: string
  /** Text that the name contains. */
  readonly pattern: string
  /** The name that the page before ended with. */
  readonly after: string | undefined
  readonly limit: number
}

export interface LogStream {
  readonly name: string
  readonly version: string
  readonly createdMs: number
  readonly firstMs: number
  readonly lastMs: number
  readonly ingestedMs: number
}

export interface StreamQuery {
  readonly group: string
  readonly prefix: string
  readonly orderBy: 'name' | 'last event'
  readonly descending: boolean
  /** What the page before ended with. */
  readonly after: { readonly name: string; readonly lastMs: number } | undefined
  readonly limit: number
}

/** A place in a stream. Chunks and lines are counted from 1 and 0. */
export interface StreamPosition {
  readonly chunk: number
  readonly line: number
}

/** A place in a group: what has the same time is in the order of chunks. */
export interface GroupPosition extends StreamPosition {
  readonly timeMs: number
}

/** Both ends belong to it. */
export interface TimeRange {
  readonly fromMs: number
  readonly toMs: number
}

export interface EventsQuery extends TimeRange {
  readonly group: string
  readonly stream: string
  /** Behind (`forward`) or ahead of this place; undefined: from the beginning, or from the end. */
  readonly from: StreamPosition | undefined
  readonly direction: 'forward' | 'backward'
  readonly limit: number
}

export interface FilterQuery extends TimeRange {
  readonly group: string
  /** Empty: all. */
  readonly streams: readonly string[]
  readonly prefix: string
  /** Only streams of these versions. Empty: all. */
  readonly versions: readonly string[]
  /** A filter pattern (filter-pattern.ts). */
  readonly pattern: string
  readonly after: GroupPosition | undefined
  readonly limit: number
}

export interface LogEvent extends LogLine {
  readonly stream: string
  readonly version: string
  readonly ingestedMs: number
  readonly at: GroupPosition
}

export interface FilterPage {
  readonly events: readonly LogEvent[]
  /** Undefined: there is nothing more now. A page may be short, or empty, and not the last. */
  readonly next: GroupPosition | undefined
}

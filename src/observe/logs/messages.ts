import type { ErrorCode } from '../../errors.ts'
import type { Counted } from '../usage/counted.ts'
import type { UsagePage, UsageQuery } from '../usage/usage-tables.ts'
import type { EventsQuery, FilterPage, FilterQuery, GroupQuery, LogEvent, LogGroup, LogStream, StreamQuery } from './query.ts'
import type { LogRetention } from './retention.ts'

export interface LogThreadData {
  readonly folder: string
  readonly retention: LogRetention
}

/** What the thread does, one after the other. Undefined, or false, where there is no such group or stream. */
export interface LogAnswers {
  append(batch: Uint8Array<ArrayBuffer>): void
  count(counted: readonly Counted[]): void
  groups(query: GroupQuery): readonly LogGroup[]
  streams(query: StreamQuery): readonly LogStream[] | undefined
  events(query: EventsQuery): readonly LogEvent[] | undefined
  filter(query: FilterQuery): FilterPage | undefined
  retain(group: string, days: number | undefined): boolean
  deleteGroup(group: string): boolean
  usage(query: UsageQuery): UsagePage
  /** Lets go at once what retention lets go by and by. */
  sweep(nowMs: number): void
}

export interface ToLogThread {
  readonly id: number
  readonly kind: keyof LogAnswers | 'close'
  readonly args: readonly unknown[]
}

export type FromLogThread =
  | { readonly kind: 'open' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  /** `refused`: for the pattern that was asked for. */
  | { readonly kind: 'error'; readonly id: number; readonly refused: boolean; readonly message: string }
  | { readonly kind: 'trouble'; readonly message: string }

import type { ErrorCode } from '../errors.ts'
import type { Excerpt } from './excerpt.ts'
import type { StackFrame } from './stack.ts'
import type { InvocationReport } from '../engine/contract.ts'

/** A line that a guest wrote. */
export interface LogRecord {
  readonly type: 'log'
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly function: string
  readonly requestId: string
  readonly stream: 'stdout' | 'stderr'
  readonly message: string
}

/** A guest's exception. Texts come from the guest; `frames` and `excerpt` are in the author's files, where a map leads there. */
export interface ReportedError {
  readonly name: string
  readonly message: string
  readonly stack: string
  readonly frames?: readonly StackFrame[]
  readonly excerpt?: Excerpt
}

/** The end of an invocation. */
export interface ReportRecord {
  readonly type: 'report'
  readonly time: number
  readonly function: string
  readonly requestId: string
  /** What it was about, for people, where that is known: `GET /path`. */
  readonly about?: string
  /** Of the HTTP response that the function gave. */
  readonly status?: number
  /** `ok`, or the code of the failure. */
  readonly outcome: 'ok' | ErrorCode
  /** From the first byte of the request to the end of the answer. */
  readonly durationMs: number
  /** What failed, in full: this goes to the operator, not to the client. */
  readonly message: string | undefined
  /** What a JavaScript guest told of its exception. */
  readonly error?: ReportedError
  /** What it took; undefined when the engine had none to give because the invocation failed. */
  readonly report: InvocationReport | undefined
}

/** Something about the host itself. */
interface HostRecord {
  readonly type: 'host'
  readonly time: number
  readonly level: 'info' | 'error'
  readonly message: string
}

export type ObservedRecord = LogRecord | ReportRecord | HostRecord

/** Where records go. Never throws, never blocks. */
export type Observer = (record: ObservedRecord) => void

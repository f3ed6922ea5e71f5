import { Packr, Unpackr } from 'msgpackr'
import { formatEnd, formatReport, formatStart, indentForged, type Spent } from '../lambda-log.ts'

/*
 * What a lane writes down of invocations. Most of them log nothing of their own, so what the host says of them is kept as figures, and becomes
 * lines when somebody reads it. Arrays of plain values, as msgpack has no shorter form.
 */

const START = 0
const LINE = 1
const FAILURE = 2
const END = 3
const NOTICE = 4

export type Entry =
  | readonly [kind: typeof START, timeMs: number, requestId: string]
  | readonly [kind: typeof LINE, timeMs: number, requestId: string, text: string]
  | readonly [kind: typeof FAILURE, timeMs: number, requestId: string, text: string]
  | readonly [
      kind: typeof END,
      timeMs: number,
      requestId: string,
      durationMs: number,
      memoryMb: number,
      memoryBytes: number | null,
      fuelUsed: number | null,
      restoreMs: number | null,
      initMs: number | null,
      status: string | null,
    ]
  /** Something that the host has to say in a function's log. */
  | readonly [kind: typeof NOTICE, timeMs: number, text: string]

export const startEntry = (timeMs: number, requestId: string): Entry => [START, timeMs, requestId]
export const lineEntry = (timeMs: number, requestId: string, text: string): Entry => [LINE, timeMs, requestId, text]
export const failureEntry = (timeMs: number, requestId: string, text: string): Entry => [FAILURE, timeMs, requestId, text]
export const noticeEntry = (timeMs: number, text: string): Entry => [NOTICE, timeMs, text]
export const endEntry = (timeMs: number, requestId: string, { durationMs, memoryMb, engine, initMs, status }: Spent): Entry => [
  END,
  timeMs,
  requestId,
  durationMs,
  memoryMb,
  engine?.memoryBytes ?? null,
  engine?.fuelUsed ?? null,
  engine?.restoreMs ?? null,
  initMs ?? null,
  status ?? null,
]

const packr = new Packr({ useRecords: false })
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' })

/** Not to be kept: the next call may use its memory. */
export const packEntries = (entries: readonly Entry[]): Uint8Array => packr.pack(entries)

export const unpackEntries = (bytes: Uint8Array): readonly Entry[] => unpackr.unpack(bytes) as readonly Entry[]

/** One event of a log, as it is read. */
export interface LogLine {
  /** Milliseconds since the epoch. */
  readonly timeMs: number
  /** Who says it: only `function` lines, and what `error` quotes, come from the function. */
  readonly kind: 'start' | 'function' | 'error' | 'end' | 'report' | 'notice'
  readonly requestId: string | undefined
  readonly text: string
}

/** The lines of a stream of this version. */
export function* renderEntries(entries: readonly Entry[], version: string): Generator<LogLine> {
  for (const entry of entries) {
    const [kind, timeMs] = entry
    switch (kind) {
      case START: {
        const [, , requestId] = entry
        yield { timeMs, kind: 'start', requestId, text: formatStart(requestId, version) }
        break
      }
      case LINE: {
        const [, , requestId, text] = entry
        yield { timeMs, kind: 'function', requestId, text: indentForged(text) }
        break
      }
      case FAILURE: {
        const [, , requestId, text] = entry
        yield { timeMs, kind: 'error', requestId, text }
        break
      }
      case END: {
        const [, , requestId] = entry
        yield { timeMs, kind: 'end', requestId, text: formatEnd(requestId) }
        yield { timeMs, kind: 'report', requestId, text: formatReport(requestId, spent(entry)) }
        break
      }
      case NOTICE:
        yield { timeMs, kind: 'notice', requestId: undefined, text: entry[2] }
        break
      default:
        kind satisfies never
    }
  }
}

function spent(entry: Extract<Entry, readonly [typeof END, ...unknown[]]>): Spent {
  const [, , , durationMs, memoryMb, memoryBytes, fuelUsed, restoreMs, initMs, status] = entry
  const engine =
    memoryBytes === null || fuelUsed === null || restoreMs === null ? undefined : { memoryBytes, fuelUsed, restoreMs }
  return { durationMs, memoryMb, engine, initMs: initMs ?? undefined, status: status ?? undefined }
}

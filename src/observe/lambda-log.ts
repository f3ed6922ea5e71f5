import { ERROR_KINDS } from '../errors.ts'
import { MAX_LINE_LENGTH } from './invocation-log.ts'
import type { Observer, ObservedRecord, ReportRecord } from './records.ts'

/** Lambda: `LogResult` is the last 4 KB of an invocation's log. */
const TAIL_BYTES = 4 * 1024

/** What Lambda's log says of a function. */
export interface LoggedSettings {
  readonly memoryMb: number
  readonly timeoutMs: number
}

/** What an invocation took. Plain data, as it is kept. */
export interface Spent {
  /** In the guest, where the engine has told; else of the whole invocation. */
  readonly durationMs: number
  readonly memoryMb: number
  /** Undefined when the engine had nothing to tell. */
  readonly engine: { readonly memoryBytes: number; readonly fuelUsed: number; readonly restoreMs: number } | undefined
  /** What the invocation waited for an instance that had to be made for it; undefined when none had to. */
  readonly initMs: number | undefined
  /** `timeout`, or Lambda's name of the error that ended the invocation from outside of the function; undefined when there was none. */
  readonly status: string | undefined
}

export function spentOf({ outcome, durationMs, report }: ReportRecord, { memoryMb }: LoggedSettings): Spent {
  return {
    durationMs: report?.guestMs ?? durationMs,
    memoryMb,
    engine:
      report === undefined
        ? undefined
        : { memoryBytes: report.memoryBytes, fuelUsed: Number(report.fuelUsed), restoreMs: report.restoreMs },
    initMs: report?.fresh === true ? report.queueMs : undefined,
    status: STATUS[outcome],
  }
}

/** A begun millisecond counts as a whole one. */
export const billedMs = ({ durationMs }: Pick<Spent, 'durationMs'>): number => Math.max(1, Math.ceil(durationMs))

/** As in the answers of Invoke (src/triggers/invoke.ts). An exception of the function is no error of its sandbox. */
const STATUS: { readonly [Outcome in ReportRecord['outcome']]?: string } = {
  DeadlineExceeded: 'timeout',
  MemoryExceeded: 'Runtime.OutOfMemory',
  FuelExhausted: 'Runtime.OutOfFuel',
  FunctionTrapped: 'Runtime.ExitError',
  InvalidResponse: 'Runtime.InvalidResponse',
  ResponseTooLarge: 'Function.ResponseSizeTooLarge',
  Cancelled: 'Sandbox.Cancelled',
}

export const formatStart = (requestId: string, version: string): string => `START RequestId: ${requestId} Version: ${version}`

export const formatEnd = (requestId: string): string => `END RequestId: ${requestId}`

const MIB = 1024 * 1024

/** Lambda's REPORT line, with fuel and restore time behind what Lambda has. */
export function formatReport(requestId: string, spent: Spent): string {
  const { durationMs, memoryMb, engine, initMs, status } = spent
  const parts = [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${durationMs.toFixed(2)} ms`,
    `Billed Duration: ${billedMs(spent)} ms`,
    `Memory Size: ${memoryMb} MB`,
  ]
  if (engine !== undefined) parts.push(`Max Memory Used: ${Math.ceil(engine.memoryBytes / MIB)} MB`)
  if (initMs !== undefined) parts.push(`Init Duration: ${initMs.toFixed(2)} ms`)
  if (engine !== undefined) parts.push(`Fuel Used: ${engine.fuelUsed}`, `Restore: ${engine.restoreMs.toFixed(3)} ms`)
  if (status !== undefined) parts.push(status === 'timeout' ? 'Status: timeout' : `Status: error\tError Type: ${status}`)
  return parts.join('\t')
}

/** Why an invocation failed, as it stands in its log; undefined when it did not. */
export function formatFailure(record: ReportRecord, { timeoutMs }: LoggedSettings): string | undefined {
  const { outcome, requestId, error, message } = record
  if (outcome === 'ok') return undefined
  const time = new Date(record.time).toISOString()
  if (outcome === 'DeadlineExceeded') return `${time} ${requestId} Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`
  if (error === undefined)
    // Of the host's own failures the function's log says no more than its callers learn.
    return cut(`${time}\t${requestId}\tERROR\t${ERROR_KINDS[outcome].fault === 'host' ? outcome : (message ?? outcome)}`)
  const frames = error.stack.split('\n').filter((line) => line.trim() !== '')
  const told = { errorType: error.name, errorMessage: error.message, stack: [`${error.name}: ${error.message}`, ...frames] }
  return cut(`${time}\t${requestId}\tERROR\tInvoke Error\t${JSON.stringify(told)}`)
}

const cut = (text: string): string => (text.length > MAX_LINE_LENGTH ? `${text.slice(0, MAX_LINE_LENGTH)}…` : text)

const HOSTS = /^(?:START|END|REPORT) RequestId:/

/** A line that a function wrote: one that looks like one of the host's is indented, so that whoever reads these finds only the host's. */
export const indentForged = (line: string): string => (HOSTS.test(line) ? ` ${line}` : line)

/** Collects the log of one invocation in Lambda's form, as far as its tail goes. */
export class LogTail {
  readonly #lines: string[] = []
  readonly #settings: LoggedSettings
  #bytes = 0

  constructor(requestId: string, version: string, settings: LoggedSettings) {
    this.#settings = settings
    this.#add(formatStart(requestId, version))
  }

  /** `observer` with this tail beside it; it is told of reports only when `reports` says so. */
  beside(observer: Observer, reports: 'all' | 'failures'): Observer {
    return (record: ObservedRecord) => {
      if (record.type === 'log') this.#add(indentForged(record.message))
      if (record.type === 'report') {
        const failure = formatFailure(record, this.#settings)
        if (failure !== undefined) this.#add(failure)
        this.#add(formatEnd(record.requestId))
        this.#add(formatReport(record.requestId, spentOf(record, this.#settings)))
        if (record.outcome === 'ok' && reports === 'failures') return
      }
      observer(record)
    }
  }

  base64(): string {
    return Buffer.from(`${this.#lines.join('\n')}\n`)
      .subarray(-TAIL_BYTES)
      .toString('base64')
  }

  #add(line: string): void {
    this.#lines.push(line)
    this.#bytes += Buffer.byteLength(line) + 1
    while (this.#bytes - Buffer.byteLength(this.#lines[0] ?? '') - 1 > TAIL_BYTES)
      this.#bytes -= Buffer.byteLength(this.#lines.shift() ?? '') + 1
  }
}

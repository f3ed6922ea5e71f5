import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import type { Cancellation, InvocationContext, InvocationReport } from '../engine/contract.ts'
import type { AmpouleError } from '../errors.ts'
import { InvocationLog } from '../observe/invocation-log.ts'
import type { LogFrames } from '../observe/log-frames.ts'
import type { Observer, ReportRecord } from '../observe/records.ts'
import type { SourceMapLocation, SourceMaps } from '../observe/source-map.ts'
import { explainFailure, explainTrap, GuestError } from './failure.ts'

/** What every invocation of a host has in common. */
export interface InvocationOptions {
  readonly observe: Observer
  /** `failures`: only invocations that did not end well are reported. */
  readonly reports: 'all' | 'failures'
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Leads stacks back to the author's files; without it they stay as the engine wrote them. */
  readonly sourceMaps?: SourceMaps
  /** The same for frames in what functions log. Development only. */
  readonly logFrames?: LogFrames
  /** Asked as each invocation begins for who hears, besides `observe`, of all that it logs and of its report. */
  readonly record?: (requestId: string, startedMs: number) => Observer
}

/** One invocation from admission to its report; what the engine sees of it is `InvocationContext`. */
export class Invocation implements InvocationContext {
  readonly requestId: string
  readonly functionName: string
  readonly startedMs: number
  /** Why it was aborted, when it was. */
  abortReason: AmpouleError | undefined
  /** Leads to the author's files; known once it is, which version runs. */
  sourceMap: SourceMapLocation | undefined
  /** Of the response that the function gave, where it gave one. */
  status: number | undefined
  readonly signal = new CancelSignal()
  readonly #options: InvocationOptions
  readonly #about: string | undefined
  readonly #record: Observer | undefined
  #log: InvocationLog | undefined
  #spent: InvocationReport | undefined
  #lastError = ''
  #reported = false

  /** `about`: what it was about, for the report. `requestId`: where it was given before. */
  constructor(functionName: string, options: InvocationOptions, about?: string, requestId: string = randomUUID()) {
    this.requestId = requestId
    this.#about = about
    this.functionName = functionName
    this.#options = options
    this.startedMs = options.now()
    this.#record = options.record?.(requestId, this.startedMs)
  }

  /** Ends the invocation with `reason`; only the first one counts, and none after the report. */
  abort(reason: AmpouleError): void {
    if (this.abortReason !== undefined || this.#reported) return
    this.abortReason = reason
    this.signal.abort()
  }

  log(stream: 'stdout' | 'stderr', line: string): void {
    this.#log ??= new InvocationLog(
      { function: this.functionName, requestId: this.requestId },
      (record) => {
        this.#record?.(record)
        this.#options.observe(record)
      },
      this.#options.now,
    )
    if (stream === 'stderr') this.#lastError = line
    const { logFrames } = this.#options
    const shown = logFrames === undefined || this.sourceMap === undefined ? line : logFrames.apply(line, this.sourceMap)
    if (shown !== undefined) this.#log.write(stream, shown)
  }

  spent(report: InvocationReport): void {
    this.#spent = report
  }

  /** The end with a failure; gives the error as callers should see it. */
  async fail(error: AmpouleError, report: InvocationReport | undefined): Promise<AmpouleError> {
    const { sourceMaps } = this.#options
    const known = explainTrap(error, this.#lastError)
    const explained = sourceMaps === undefined ? known : await explainFailure(known, this.sourceMap, sourceMaps)
    this.end(explained, report)
    return explained
  }

  /** The end: closes the log and reports, once. */
  end(error: AmpouleError | undefined, report: InvocationReport | undefined): void {
    if (this.#reported) return
    this.#reported = true
    this.#log?.end()
    const observed = error !== undefined || this.#options.reports === 'all'
    if (!observed && this.#record === undefined) return
    const time = this.#options.now()
    const record: ReportRecord = {
      type: 'report',
      time,
      function: this.functionName,
      requestId: this.requestId,
      ...(this.#about === undefined ? {} : { about: this.#about }),
      ...(this.status === undefined ? {} : { status: this.status }),
      outcome: error?.code ?? 'ok',
      durationMs: time - this.startedMs,
      message: error === undefined ? undefined : describeForOperator(error),
      ...(error instanceof GuestError ? { error: error.details } : {}),
      report: report ?? this.#spent,
    }
    this.#record?.(record)
    if (observed) this.#options.observe(record)
  }
}

class CancelSignal implements Cancellation {
  #aborted = false
  /** In order; the engine has one at a time. */
  #listeners: (() => void)[] = []

  get aborted(): boolean {
    return this.#aborted
  }

  addEventListener(_: 'abort', listener: () => void): void {
    this.#listeners.push(listener)
  }

  removeEventListener(_: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener)
    if (at >= 0) this.#listeners.splice(at, 1)
  }

  abort(): void {
    this.#aborted = true
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener()
  }
}

/** The message, and for a failure of the host what lies behind it. */
function describeForOperator(error: AmpouleError): string {
  const { cause } = error
  if (error.kind.fault !== 'host' || cause === undefined) return error.message
  return `${error.message}: ${cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause)}`
}

import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import type { InvocationContext, InvocationReport } from '../engine/contract.ts'
import type { AmpouleError } from '../errors.ts'
import { InvocationLog } from '../observe/invocation-log.ts'
import type { Observer } from '../observe/records.ts'

/** What every invocation of a host has in common. */
export interface InvocationOptions {
  readonly observe: Observer
  /** `failures`: only invocations that did not end well are reported. */
  readonly reports: 'all' | 'failures'
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** One invocation from admission to its report; what the engine sees of it is `InvocationContext`. */
export class Invocation implements InvocationContext {
  readonly requestId: string = randomUUID()
  readonly functionName: string
  readonly startedMs: number
  /** Why it was aborted, when it was. */
  abortReason: AmpouleError | undefined
  readonly #options: InvocationOptions
  #controller: AbortController | undefined
  #log: InvocationLog | undefined
  #reported = false

  constructor(functionName: string, options: InvocationOptions) {
    this.functionName = functionName
    this.#options = options
    this.startedMs = options.now()
  }

  /** Created when it is first asked for: most of a request's work needs none. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.abortReason !== undefined) this.#controller.abort(this.abortReason)
    }
    return this.#controller.signal
  }

  /** Ends the invocation with `reason`; only the first one counts, and none after the report. */
  abort(reason: AmpouleError): void {
    if (this.abortReason !== undefined || this.#reported) return
    this.abortReason = reason
    this.#controller?.abort(reason)
  }

  log(stream: 'stdout' | 'stderr', line: string): void {
    this.#log ??= new InvocationLog(
      { function: this.functionName, requestId: this.requestId },
      this.#options.observe,
      this.#options.now,
    )
    this.#log.write(stream, line)
  }

  /** The end: closes the log and reports, once. */
  end(error: AmpouleError | undefined, report: InvocationReport | undefined): void {
    if (this.#reported) return
    this.#reported = true
    this.#log?.end()
    if (error === undefined && this.#options.reports === 'failures') return
    const time = this.#options.now()
    this.#options.observe({
      type: 'report',
      time,
      function: this.functionName,
      requestId: this.requestId,
      outcome: error?.code ?? 'ok',
      durationMs: time - this.startedMs,
      message: error === undefined ? undefined : describeForOperator(error),
      report,
    })
  }
}

/** The message, and for a failure of the host what lies behind it. */
function describeForOperator(error: AmpouleError): string {
  const { cause } = error
  if (error.kind.fault !== 'host' || cause === undefined) return error.message
  return `${error.message}: ${cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause)}`
}

import type { Observer, ObservedRecord, ReportRecord } from './records.ts'

/** Lambda: `LogResult` is the last 4 KB of an invocation's log. */
const TAIL_BYTES = 4 * 1024

/** Collects the log of one invocation in Lambda's form, as far as its tail goes. */
export class LogTail {
  readonly #lines: string[] = []
  readonly #memoryMb: number
  #bytes = 0

  constructor(requestId: string, version: string, memoryMb: number) {
    this.#memoryMb = memoryMb
    this.#add(`START RequestId: ${requestId} Version: ${version}`)
  }

  /** `observer` with this tail beside it; it is told of reports only when `reports` says so. */
  beside(observer: Observer, reports: 'all' | 'failures'): Observer {
    return (record: ObservedRecord) => {
      if (record.type === 'log') this.#add(record.message)
      if (record.type === 'report') {
        this.#add(`END RequestId: ${record.requestId}`)
        this.#add(formatReport(record, this.#memoryMb))
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

const MIB = 1024 * 1024

/** Lambda's REPORT line, with fuel and restore time behind what Lambda has. */
export function formatReport({ requestId, durationMs, report }: ReportRecord, memoryMb: number): string {
  const spentMs = report?.guestMs ?? durationMs
  return [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${spentMs.toFixed(2)} ms`,
    `Billed Duration: ${Math.ceil(spentMs)} ms`,
    `Memory Size: ${memoryMb} MB`,
    ...(report === undefined
      ? []
      : [
          `Max Memory Used: ${Math.ceil(report.memoryBytes / MIB)} MB`,
          `Fuel Used: ${report.fuelUsed}`,
          `Restore: ${report.restoreMs.toFixed(3)} ms`,
        ]),
  ].join('\t')
}

import { printable } from './printable.ts'
import { formatFrame } from './stack.ts'
import type { ObservedRecord } from './records.ts'

/** One line for one record, without newline; what a guest wrote can neither start a line of its own nor reach the terminal's control codes. */
export type Format = (record: ObservedRecord) => string

export const formatJson: Format = (record) => {
  const { time, ...rest } = record
  return JSON.stringify({ time: new Date(time).toISOString(), ...flat(rest) }, (key, value: unknown) =>
    // The author's code is for terminals and pages.
    key === 'excerpt' ? undefined : typeof value === 'bigint' ? Number(value) : value,
  )
}

export const formatText: Format = (record) => {
  const time = new Date(record.time).toISOString().slice(11, 23)
  switch (record.type) {
    case 'log':
      return `${time} ${record.function} ${record.requestId} ${record.stream === 'stderr' ? '!' : '|'} ${printable(record.message)}`
    case 'report':
      return `${time} ${record.function} ${record.requestId} ${reportText(record)}`
    case 'host':
      return `${time} ampoule ${record.level === 'error' ? '!' : '|'} ${printable(record.message)}`
    default:
      return record satisfies never
  }
}

/** A line of text holds so many frames; JSON has all. */
const TEXT_FRAMES = 4

function reportText(record: Extract<ObservedRecord, { type: 'report' }>): string {
  const { report } = record
  const parts = [record.outcome, `${record.durationMs.toFixed(1)} ms`]
  if (report !== undefined)
    parts.push(
      `guest ${report.guestMs.toFixed(1)} ms`,
      `fuel ${report.fuelUsed}`,
      `${(report.memoryBytes / 1048576).toFixed(1)} MiB`,
    )
  if (record.message !== undefined) parts.push(printable(record.message))
  if (record.error?.frames !== undefined)
    parts.push(...record.error.frames.slice(0, TEXT_FRAMES).map((frame) => printable(formatFrame(frame))))
  return parts.join(' · ')
}

/** The report's figures stand beside the other keys: log pipelines index flat records better. */
function flat(record: object): object {
  if (!('report' in record)) return record
  const { report, ...rest } = record
  return { ...rest, ...(report as object | undefined) }
}

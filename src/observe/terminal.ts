import { styleText } from 'node:util'
import { formatExcerpt, type Excerpt } from './excerpt.ts'
import { printable } from './printable.ts'
import type { ObservedRecord, ReportedError } from './records.ts'
import { isOfPackage } from './source-map.ts'
import { formatFrame } from './stack.ts'

/** Draws with colours, or as it is. */
export interface Style {
  readonly plain: boolean
}

type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold'

export const paint = ({ plain }: Style, colours: Colour | Colour[], text: string): string =>
  plain ? text : styleText(colours, text, { validateStream: false })

/** Names of functions are padded to this, so that what they log stands in a column. */
const NAME_WIDTH = 10

/** A record for the person before the terminal: several lines where there is something to explain. */
export function formatTerminal(record: ObservedRecord, style: Style): string {
  const time = paint(style, 'dim', clock(record.time))
  switch (record.type) {
    case 'log': {
      const bar = record.stream === 'stderr' ? paint(style, 'yellow', '!') : paint(style, 'dim', '|')
      return `${time}  ${named(record.function, style)} ${bar} ${printable(record.message)}`
    }
    case 'report':
      return formatReport(record, time, style)
    case 'host':
      return `${time}  ${paint(style, record.level === 'error' ? 'red' : 'dim', printable(record.message))}`
    default:
      return record satisfies never
  }
}

function formatReport(record: Extract<ObservedRecord, { type: 'report' }>, time: string, style: Style): string {
  const { about = 'invocation', status, outcome, report, durationMs } = record
  const ok = outcome === 'ok'
  const mark = ok ? paint(style, 'green', '✓') : paint(style, 'red', '✗')
  const figures = [
    ...(ok ? [] : [outcome]),
    `${durationMs < 10 && report !== undefined ? report.guestMs.toFixed(1) : durationMs.toFixed(0)} ms`,
    ...(report === undefined ? [] : [`${(report.memoryBytes / 1048576).toFixed(1)} MiB`]),
    ...(ok ? [] : [`request ${record.requestId}`]),
  ]
  const head = `${time}  ${named(record.function, style)} ${mark} ${printable(about)}${status === undefined ? '' : ` ${formatStatus(status, style)}`}  ${paint(style, ok ? 'dim' : 'red', figures.join(' · '))}`
  if (ok) return head
  const lines = record.error === undefined ? [printable(record.message ?? '')] : formatGuestError(record.error, style)
  return [head, ...lines.map((line) => (line === '' ? '' : `${INDENT}${line}`))].join('\n')
}

/** A function that catches its own errors, as frameworks do, ends well with a status that does not. */
const formatStatus = (status: number, style: Style): string =>
  status < 400 ? paint(style, 'dim', String(status)) : paint(style, status < 500 ? 'yellow' : 'red', String(status))

const INDENT = ' '.repeat(10)

/** An exception: what it says, where in the author's code, by which way it got there. */
export function formatGuestError(error: ReportedError, style: Style): readonly string[] {
  const { name, message, stack, frames, excerpt } = error
  const [first = '', ...rest] = `${name}: ${message}`.split('\n', MAX_MESSAGE_LINES)
  const place = frames?.find(({ file }) => !isOfPackage(file))
  return [
    paint(style, ['red', 'bold'], printable(first)),
    ...rest.map((line) => paint(style, 'red', printable(line))),
    ...(excerpt === undefined || place === undefined ? [] : ['', ...formatCode(excerpt, style), '']),
    ...formatFrames(error, style),
    ...(frames === undefined ? [] : causesOf(stack)).map((line) => paint(style, 'dim', printable(line))),
    ...(frames === undefined && stack !== '' ? stack.split('\n').map((line) => paint(style, 'dim', printable(line.trim()))) : []),
  ]
}

const MAX_MESSAGE_LINES = 20

/** The causes stand in the stack only, behind the frames of the error itself (src/invoke/failure.ts). */
function causesOf(stack: string): readonly string[] {
  const lines = stack.split('\n')
  const first = lines.findIndex((line) => line.startsWith('Caused by: '))
  return first < 0 ? [] : lines.slice(first)
}

/** Frames of packages are there, but do not catch the eye; a recursion is one line. */
function formatFrames({ frames = [] }: ReportedError, style: Style): readonly string[] {
  const lines: { text: string; of: string; times: number; dim: boolean }[] = []
  for (const frame of frames) {
    const of = formatFrame(frame)
    const last = lines.at(-1)
    if (last?.of === of) last.times++
    else lines.push({ of, text: printable(of), times: 1, dim: isOfPackage(frame.file) })
  }
  return lines.map(({ text, times, dim }) => {
    const shown = times === 1 ? text : `${text}  (${times} times)`
    return dim ? paint(style, 'dim', shown) : shown
  })
}

/** An excerpt, with what is meant in red. */
export function formatCode(excerpt: Excerpt, style: Style): readonly string[] {
  return formatExcerpt(excerpt).map((line) => {
    if (line.startsWith('>')) return printable(line)
    return line.endsWith('^') ? paint(style, 'red', printable(line)) : paint(style, 'dim', printable(line))
  })
}

const named = (name: string, style: Style): string => paint(style, 'cyan', name.padEnd(NAME_WIDTH))

const clock = (time: number): string => new Date(time).toTimeString().slice(0, 8)

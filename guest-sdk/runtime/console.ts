/**
 * `console` for both engines (Console Standard), formatted as Node.js does it. What is of level `warn` or `error` goes to stderr, the
 * rest to stdout; objects stay on one line, so that each is one record of the log.
 */
import { formatWithOptions, inspect } from '@bytecodealliance/jco-std/wasi/0.2.x/node/24.x.x/util'
import { stackForLog } from './errors.ts'
import { define } from './web/define.ts'

export type WriteLine = (stream: 'stdout' | 'stderr', line: string) => void

const ONE_LINE = { breakLength: Infinity, compact: 3 } as const

/** Neither engine begins a stack with the error's name and message, which the formatter takes for granted. */
function inspectError(this: Error): string {
  const head = this.message === '' ? this.name : `${this.name}: ${this.message}`
  const stack = typeof this.stack === 'string' ? stackForLog(this.stack) : ''
  const text = stack === '' || stack.startsWith(head) ? stack || head : `${head}\n${stack}`
  return this.cause === undefined ? text : `${text}\n[cause]: ${inspect(this.cause, ONE_LINE)}`
}

/** Has errors shown with name, message, stack and cause, wherever in a value they are. */
export const showErrors = (prototype: Error = Error.prototype): void => define(prototype, { [inspect.custom]: inspectError })

export function createConsole(write: WriteLine): Console {
  const counts = new Map<string, number>()
  const started = new Map<string, number>()
  let indent = ''

  const line = (stream: 'stdout' | 'stderr', values: readonly unknown[]): void => {
    const [only] = values
    // Most calls: the formatter would look at each character.
    const text = values.length === 1 && typeof only === 'string' ? only : formatWithOptions(ONE_LINE, ...values)
    write(stream, indent === '' ? text : indent + text.replaceAll('\n', `\n${indent}`))
  }
  const out = (...values: unknown[]): void => line('stdout', values)
  const err = (...values: unknown[]): void => line('stderr', values)
  const elapsed = (label: string): string => `${label}: ${(performance.now() - (started.get(label) ?? NaN)).toFixed(3)} ms`
  const known = (label: string): boolean => {
    if (!started.has(label)) err(`console.time: there is no timer ${label}`)
    return started.has(label)
  }

  const methods = {
    log: out,
    info: out,
    debug: out,
    warn: err,
    error: err,
    dirxml: out,
    trace: (...values: unknown[]) => {
      const text = values.length === 0 ? 'Trace' : `Trace: ${formatWithOptions(ONE_LINE, ...values)}`
      err(`${text}\n${stackForLog(new Error().stack?.split('\n').slice(1).join('\n') ?? '')}`.trimEnd())
    },
    assert: (condition?: unknown, ...values: unknown[]) => {
      if (Boolean(condition)) return
      const [first, ...rest] = values
      if (values.length === 0) err('Assertion failed')
      else if (typeof first === 'string') err(`Assertion failed: ${first}`, ...rest)
      else err('Assertion failed:', ...values)
    },
    dir: (value?: unknown, options?: object) => out(inspect(value, { ...ONE_LINE, ...options })),
    table: (data?: unknown) => out(data),
    count: (label = 'default') => {
      const count = (counts.get(label) ?? 0) + 1
      counts.set(label, count)
      out(`${label}: ${count}`)
    },
    countReset: (label = 'default') => void counts.delete(label),
    time: (label = 'default') => void started.set(label, performance.now()),
    timeLog: (label = 'default', ...values: unknown[]) => {
      if (known(label)) out(elapsed(label), ...values)
    },
    timeEnd: (label = 'default') => {
      if (known(label)) out(elapsed(label))
      started.delete(label)
    },
    group: (...values: unknown[]) => {
      if (values.length > 0) out(...values)
      indent += '  '
    },
    groupCollapsed: (...values: unknown[]) => methods.group(...values),
    groupEnd: () => {
      indent = indent.slice(2)
    },
    clear: () => {},
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- without what only Node.js and inspectors have
  return methods as unknown as Console
}

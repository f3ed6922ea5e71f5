export type WriteLine = (stream: 'stdout' | 'stderr', line: string) => void

/** `console` for QuickJS: one line per call (Console Standard, without format specifiers, groups and tables). */
export function createConsole(write: WriteLine): Pick<Console, 'log' | 'info' | 'debug' | 'warn' | 'error' | 'trace'> {
  const out = (...values: unknown[]): void => write('stdout', line(values))
  const err = (...values: unknown[]): void => write('stderr', line(values))
  return {
    log: out,
    info: out,
    debug: out,
    warn: err,
    error: err,
    trace: (...values) => write('stderr', `${line(values)}\n${new Error().stack ?? ''}`),
  }
}

const line = (values: unknown[]): string => values.map(show).join(' ')

function show(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) return `${value.name}: ${value.message}\n${value.stack ?? ''}`.trimEnd()
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? `${value}n` : String(value)
  try {
    return (
      JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item)) ??
      Object.prototype.toString.call(value)
    )
  } catch {
    return Object.prototype.toString.call(value)
  }
}

import { AmpouleError } from '../errors.ts'
import type { Input, Io } from './command.ts'
import { openSession, withSuggestion } from './remote.ts'

/** Runs a function on a host; `payload` is JSON. Gives 1 when the function failed. */
export async function invokeRemote(payload: string, input: Input, io: Io): Promise<number> {
  const { client, argument } = await openSession(input, io)
  const json = input.values['json'] === true
  const later = input.values['async'] === true
  const log = input.values['log'] === true
  if (later && log) throw new AmpouleError('InvalidRequest', '--log is for an answer that is waited for: leave out --async')
  const answer = await withSuggestion(client, () =>
    client.call('Invoke', {
      FunctionName: argument(0),
      Payload: Buffer.from(payload),
      ...(later && { InvocationType: 'Event' }),
      ...(log && { LogType: 'Tail' }),
    }),
  )
  const { StatusCode, ExecutedVersion, FunctionError, LogResult, Payload = new Uint8Array() } = answer
  if (later) {
    io.stdout.write(json ? `${JSON.stringify({ StatusCode })}\n` : 'accepted\n')
    return 0
  }
  const text = Buffer.from(Payload).toString('utf8')
  const lines = LogResult === undefined ? undefined : Buffer.from(LogResult, 'base64').toString('utf8')
  if (lines !== undefined && !json) io.stderr.write(lines)
  const value: unknown = JSON.parse(text)
  if (json) {
    const shown = { StatusCode, ExecutedVersion, FunctionError, LogResult: lines, Payload: value }
    io.stdout.write(`${JSON.stringify(shown)}\n`)
  } else if (FunctionError === undefined) {
    io.stdout.write(`${JSON.stringify(value, undefined, io.stdout.isTTY === true ? 2 : undefined)}\n`)
  } else io.stderr.write(`ampoule: ${formatFailure(value)}\n`)
  return FunctionError === undefined ? 0 : new AmpouleError('FunctionError', '').kind.exitCode
}

/** Lambda's form of a function's failure, with the stack below it where there is one. */
function formatFailure(value: unknown): string {
  const { errorType, errorMessage, trace } = (value ?? {}) as Partial<Record<string, unknown>>
  if (Array.isArray(trace) && trace.length > 0) return trace.map(String).join('\n  ')
  return typeof errorType === 'string' ? `${errorType}: ${String(errorMessage)}` : JSON.stringify(value)
}

import type { EventForm } from '../component/contract.ts'
import { GuestFailure } from '../engine/failure.ts'
import { AmpouleError } from '../errors.ts'
import type { Excerpt } from '../observe/excerpt.ts'
import type { SourceMapLocation, SourceMaps } from '../observe/source-map.ts'
import { formatFrame, parseStack, type StackFrame } from '../observe/stack.ts'
import { decodeEnvelope, own } from './envelope.ts'
import { decodeMessage } from './message.ts'

/** What a guest said about its own failure. Every part comes from the guest. */
export interface GuestErrorDetails {
  readonly name: string
  readonly message: string
  /** A line per frame; once explained, in the author's files. */
  readonly stack: string
  /** Set once explained: frames in the author's files, innermost first. */
  readonly frames?: readonly StackFrame[]
  /** Set once explained: the author's code where it happened. */
  readonly excerpt?: Excerpt
}

/** The function's own error: code `FunctionError`, with what the guest told. */
export class GuestError extends AmpouleError {
  override readonly name = 'GuestError'
  readonly details: GuestErrorDetails
  /** What of a batch comes again, as the guest says it, unchecked (src/invoke/batch-answer.ts `failuresAfter`). */
  readonly failures: unknown

  constructor(details: GuestErrorDetails, failures?: unknown) {
    super('FunctionError', `${details.name}: ${details.message}`)
    this.details = details
    this.failures = failures
  }
}

/** The error with its stack led back to the author's files, where there is a map; what is no guest's own error stays as it is. */
export async function explainFailure(
  error: AmpouleError,
  location: SourceMapLocation | undefined,
  maps: SourceMaps,
): Promise<AmpouleError> {
  if (!(error instanceof GuestError) || location === undefined || error.details.stack === '') return error
  const { name, message, stack } = error.details
  const [first = '', ...causes] = stack.split(CAUSE, MAX_CAUSES)
  const { frames, excerpt } = await maps.apply(first, location)
  let mapped = frames.map(formatFrame).join('\n')
  for (const cause of causes) {
    const { frames: further } = await maps.apply(cause, location)
    mapped += `\n${[titleOf(cause), ...further.map(formatFrame)].join('\n')}`
  }
  return new GuestError({ name, message, stack: mapped, frames, ...(excerpt === undefined ? {} : { excerpt }) }, error.failures)
}

/** How StarlingMonkey says, before it traps, that nothing is left which could settle what it waits for. */
export const saysNothingToWaitFor = (line: string): boolean => line.includes('event loop error')

/** The error in words where the engine of a JavaScript function gave up, of which the trap itself says nothing. `line`: what was written last. */
export const explainTrap = (error: AmpouleError, line: string): AmpouleError =>
  error.code === 'FunctionTrapped' && saysNothingToWaitFor(line)
    ? new AmpouleError('FunctionTrapped', 'the function waits for a promise that nothing can settle: no timer is running')
    : error

/** Our runtime puts each cause into the stack behind a line of its own (guest-sdk/runtime/errors.ts). */
const CAUSE = /^(?=Caused by: )/m
const MAX_CAUSES = 10

/** Up to the first frame: messages may have several lines. */
function titleOf(cause: string): string {
  const lines = cause.trimEnd().split('\n')
  const frame = lines.findIndex((line, index) => index > 0 && parseStack(line).length > 0)
  return lines.slice(0, frame < 0 ? undefined : frame).join('\n')
}

/** Longer texts are cut: a guest may put megabytes into a stack. */
const MAX_TEXT = 16 * 1024

/** The error that callers of an invocation see for whatever the engine threw. `abortReason` explains a cancelled one; `events` is the runner's form. */
export function toInvocationError(error: unknown, abortReason: AmpouleError | undefined, events: EventForm): AmpouleError {
  if (error instanceof GuestFailure) {
    const failure = decodeFailure(error.payload, events)
    const { refusedAtMb } = error
    if (refusedAtMb === undefined) return failure
    const hint = `the function reached its memory limit of ${refusedAtMb} MiB; raise "memoryMb" in ampoule.jsonc to allow more`
    return new GuestError({ ...failure.details, message: `${failure.details.message} (${hint})` })
  }
  if (abortReason !== undefined && (!(error instanceof AmpouleError) || error.code === 'Cancelled')) return abortReason
  if (error instanceof AmpouleError) return error
  return new AmpouleError('Internal', 'the host failed', { cause: error })
}

/** The err side of docs/events.md; what does not look like it still becomes an error, with less to say. */
function decodeFailure(payload: Uint8Array, events: EventForm): GuestError {
  let value: unknown
  try {
    value = events === 'json' ? decodeEnvelope(payload).head : decodeMessage(payload)
  } catch (error) {
    return new GuestError({
      name: 'Error',
      message: `the function failed and its error could not be read (${(error as Error).message})`,
      stack: '',
    })
  }
  const object: object = typeof value === 'object' && value !== null ? value : {}
  const text = (key: string, otherwise: string) => {
    const found = own(object, key)
    return typeof found === 'string' ? found.slice(0, MAX_TEXT) : otherwise
  }
  const details = { name: text('name', 'Error'), message: text('message', ''), stack: text('stack', '') }
  return new GuestError(details, own(object, 'failures'))
}

import type { EventForm } from '../component/contract.ts'
import { GuestFailure } from '../engine/failure.ts'
import { AmpouleError } from '../errors.ts'
import { decodeEnvelope, own } from './envelope.ts'
import { decodeMessage } from './message.ts'

/** What a guest said about its own failure. Every part comes from the guest. */
export interface GuestErrorDetails {
  readonly name: string
  readonly message: string
  readonly stack: string
}

/** The function's own error: code `FunctionError`, with what the guest told. */
export class GuestError extends AmpouleError {
  override readonly name = 'GuestError'
  readonly details: GuestErrorDetails

  constructor(details: GuestErrorDetails) {
    super('FunctionError', `${details.name}: ${details.message}`)
    this.details = details
  }
}

/** Longer texts are cut: a guest may put megabytes into a stack. */
const MAX_TEXT = 16 * 1024

/** The error that callers of an invocation see for whatever the engine threw. `abortReason` explains a cancelled one; `events` is the runner's form. */
export function toInvocationError(error: unknown, abortReason: AmpouleError | undefined, events: EventForm): AmpouleError {
  if (error instanceof GuestFailure) return decodeFailure(error.payload, events)
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
  return new GuestError({ name: text('name', 'Error'), message: text('message', ''), stack: text('stack', '') })
}

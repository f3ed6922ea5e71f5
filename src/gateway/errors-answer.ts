import type { IncomingMessage, ServerResponse } from 'node:http'
import { AmpouleError } from '../errors.ts'
import { sendWhole } from '../triggers/http-answer.ts'
import { REQUEST_ID_HEADER } from '../triggers/http-headers.ts'
import { errorAnswer } from './errors.ts'
import type { InFlight } from './in-flight.ts'

/** Answers in place of a function, unless an answer is on its way or nobody is there any more. */
export function answerError(
  { incoming, outgoing }: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse },
  error: AmpouleError,
  requestId: string,
  options: { readonly dev: boolean; readonly inFlight: InFlight },
): void {
  if (outgoing.headersSent || outgoing.destroyed) return
  const { status, headers, content } = errorAnswer(error, {
    requestId,
    dev: options.dev,
    accept: incoming.headers.accept,
    about: aboutOf(incoming),
  })
  const close = options.inFlight.draining
  sendWhole(incoming, outgoing, { status, headers, contentLength: undefined }, content, {
    extra: [REQUEST_ID_HEADER, requestId],
    close,
  })
}

export const aboutOf = ({ method = '', url = '' }: IncomingMessage): string => `${method} ${url}`

export const toError = (error: unknown): AmpouleError =>
  error instanceof AmpouleError ? error : new AmpouleError('Internal', 'the host failed', { cause: error })

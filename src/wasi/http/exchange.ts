import { AmpouleError } from '../../errors.ts'
import type { GuestResponse, HttpLimits } from '../contract.ts'
import type { BodySource } from './source.ts'
import type { BodyPipe } from './pipe.ts'
import { CLOSED } from '../io/streams.ts'

export interface ResponseHead {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/**
 * One call of wasi:http/incoming-handler.
 *
 * waiting -> headed (response-outparam.set; its body is not complete yet) -> answered
 * waiting -> answered (set with a complete body or none), any -> failed (before it was answered)
 *
 * A headed response is answered with bytes when the guest completes the body before it gives up the thread, and with a stream as soon
 * as it does give it up (any wait, any fuel slice: the immediate runs) or has filled the buffer: nothing could be sent earlier.
 */
export class Exchange {
  readonly response: Promise<GuestResponse>
  readonly maxBodyBytes: number
  readonly maxHeaderBytes: number
  readonly method: string
  source: BodySource | undefined
  #state: 'waiting' | 'headed' | 'answered' | 'failed' = 'waiting'
  #head: ResponseHead | undefined
  #pipe: BodyPipe | undefined
  #immediate: NodeJS.Immediate | undefined
  readonly #resolve: (response: GuestResponse) => void
  readonly #reject: (reason: unknown) => void

  constructor(method: string, limits: HttpLimits) {
    const { promise, resolve, reject } = Promise.withResolvers<GuestResponse>()
    // a caller that has given up must not end the process
    promise.catch(() => undefined)
    this.response = promise
    this.#resolve = resolve
    this.#reject = reject
    this.method = method
    this.maxBodyBytes = limits.maxBodyBytes
    this.maxHeaderBytes = limits.maxHeaderBytes
  }

  /** The guest's response; `pipe` is undefined when it did not ask for a body. */
  set(head: ResponseHead, pipe: BodyPipe | undefined): void {
    this.#pipe = pipe
    if (this.#state !== 'waiting') {
      pipe?.fail(unfinished(undefined), CLOSED)
      return
    }
    this.#head = head
    this.#state = 'headed'
    if (pipe === undefined || hasNoBody(head.status)) {
      this.#answer(null)
      return
    }
    pipe.onChange = () => this.#look()
    this.#look()
    if (this.#state === 'headed') this.#immediate = setImmediate(() => this.#stream())
  }

  /** Before the head was given: the call fails. Afterwards the body does, unless it is complete. */
  fail(reason: unknown): void {
    if (this.#state === 'waiting' || this.#state === 'headed') {
      this.#settle('failed')
      this.#reject(reason)
    }
    this.#pipe?.fail(reason instanceof AmpouleError ? reason : unfinished(reason), CLOSED)
  }

  /** The export has returned or thrown. */
  finish(reason: unknown): void {
    // the usual end makes no error: their stacks cost more than the rest of a call
    if (this.#state === 'waiting') {
      this.fail(reason ?? new AmpouleError('InvalidResponse', 'the function returned without setting a response'))
    } else if (this.#state === 'headed' || this.#pipe?.state === 'open') {
      this.fail(reason ?? unfinished(undefined))
    }
    this.source?.close()
    this.#pipe?.detach()
  }

  /** What the body's state means for the answer. */
  #look(): void {
    const pipe = this.#pipe
    if (this.#state !== 'headed' || pipe === undefined) return
    if (pipe.state === 'complete') this.#answer(pipe.takeBytes())
    else if (pipe.state === 'broken') this.fail(pipe.error)
    else if (pipe.full) this.#stream()
  }

  #stream(): void {
    if (this.#state === 'headed' && this.#pipe !== undefined) this.#answer(this.#pipe.takeStream())
  }

  #answer(body: GuestResponse['body']): void {
    const head = this.#head
    if (head === undefined) throw new AmpouleError('Internal', 'a response without head')
    this.#settle('answered')
    this.#resolve({ status: head.status, headers: head.headers, body })
  }

  #settle(state: 'answered' | 'failed'): void {
    this.#state = state
    if (this.#immediate !== undefined) clearImmediate(this.#immediate)
    this.#immediate = undefined
  }
}

/** Statuses whose responses have no body (RFC 9110, 15; fetch's null body status). */
export function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304
}

function unfinished(cause: unknown): AmpouleError {
  return new AmpouleError('InvalidResponse', 'the function ended before it had finished the response body', { cause })
}

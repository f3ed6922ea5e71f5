import type { IncomingMessage } from 'node:http'
import { AmpouleError } from '../errors.ts'
import { payloadTooLarge } from '../invoke/invoke.ts'
import type { RequestHead } from './http-headers.ts'

/** Bodies that declare at most this length are read before a wasi:http function starts: it then holds no instance while it waits for a slow client. */
export const BUFFERED_BYTES = 64 * 1024

/** Throws `PayloadTooLarge` when the declared length is over the limit; nothing of the body has been read then. */
export function refuseTooLarge({ bodyLength }: RequestHead, maxBytes: number): void {
  if (bodyLength !== undefined && bodyLength > maxBytes) throw payloadTooLarge(bodyLength, maxBytes)
}

/** The whole body. Rejects with `PayloadTooLarge` as soon as it is longer than `maxBytes`, with `Cancelled` when the client goes away. */
export function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (incoming.destroyed && !incoming.readableEnded) return reject(clientGone())
    let first: Buffer | undefined
    let more: Buffer[] | undefined
    let received = 0
    // The listeners stay: once the promise is settled they do nothing, and removing them costs more than they do.
    incoming.on('data', (chunk: Buffer) => {
      received += chunk.length
      if (received > maxBytes) {
        more = undefined
        incoming.pause()
        return reject(payloadTooLarge(undefined, maxBytes))
      }
      if (first === undefined) first = chunk
      else (more ??= [first]).push(chunk)
    })
    incoming.on('end', () => resolve(more === undefined ? (first ?? new Uint8Array()) : Buffer.concat(more, received)))
    incoming.on('close', () => {
      // Every request closes; an error that nobody sees is not worth its stack.
      if (!incoming.readableEnded) reject(clientGone())
    })
  })
}

export interface StreamedBody {
  readonly stream: ReadableStream<Uint8Array>
  /** The answer is out: what is still to come of the body is thrown away, and whoever still reads it gets an error instead of an end. */
  readonly discard: () => void
}

/**
 * The body as a stream that reads from the connection only as fast as it is read itself. A body longer than `maxBytes` errors
 * the stream and calls `tooLarge`; a client that goes away errors it too.
 */
export function streamBody(incoming: IncomingMessage, maxBytes: number, tooLarge: (error: AmpouleError) => void): StreamedBody {
  let length = 0
  let over = false
  let discard = () => {}
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // `on('data')` starts the flow on its own unless the stream was paused before.
        incoming.pause()
        incoming.on('data', (chunk: Buffer) => {
          if (over) return
          length += chunk.length
          if (length <= maxBytes) {
            controller.enqueue(chunk)
            incoming.pause()
            return
          }
          over = true
          incoming.pause()
          const error = payloadTooLarge(undefined, maxBytes)
          controller.error(error)
          tooLarge(error)
        })
        const close = (error?: Error) => {
          if (over) return
          over = true
          if (error === undefined) controller.close()
          else controller.error(error)
        }
        incoming.on('end', () => close())
        incoming.on('error', () => close(clientGone()))
        incoming.on('close', () => close(clientGone()))
        discard = () => close(new AmpouleError('Cancelled', 'the function has answered without reading the request to its end'))
      },
      pull() {
        incoming.resume()
      },
      cancel() {
        over = true
        incoming.resume()
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, discard: () => discard() }
}

export const clientGone = (): AmpouleError => new AmpouleError('Cancelled', 'the client has gone away')

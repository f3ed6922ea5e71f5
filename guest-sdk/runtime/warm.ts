import { sealEnvelope } from './envelope.ts'
import { readEvent } from './event.ts'
import type { Handlers, HttpEvent, Text } from './function.ts'
import type { Outcome } from './outcome.ts'

/**
 * Walks the path of a real invocation without the author's code, so that what every invocation touches (decoder, Request, Response,
 * encoder, their code and caches) is part of the snapshot. `call` calls a handler with an event: the whole way counts, since an engine
 * compiles each function when it is called for the first time.
 */
export function warm(text: Text, call: (handlers: Handlers, event: HttpEvent) => Outcome): Outcome {
  const event = warmHttpEvent(text)
  call(LAMBDA, event)
  return call(FETCH, event)
}

const NONE: Handlers = { fetch: undefined, queue: undefined, stream: undefined, scheduled: undefined, lambda: undefined }

const LAMBDA: Handlers = { ...NONE, lambda: () => ({ statusCode: 200, headers: { 'x-warm': '1' }, body: '' }) }

const FETCH: Handlers = {
  ...NONE,
  fetch: {
    fetch: async (request) => new Response(await request.arrayBuffer(), { headers: { 'x-warm': request.url } }),
  },
}

/** Sealed and opened, because a real event comes that way. */
function warmHttpEvent(text: Text): HttpEvent {
  const head = {
    type: 'http',
    id: 'warm',
    fn: 'warm',
    deadline: 0,
    method: 'POST',
    url: 'http://localhost/warm?a=b',
    host: 'localhost',
    path: '/warm',
    query: 'a=b',
    parameters: { a: 'b' },
    headers: { accept: '*/*' },
    ascii: true,
  }
  const event = readEvent(sealEnvelope(JSON.stringify(head), new Uint8Array([123, 125]), text), text)
  if (event.type !== 'http') throw new TypeError('the warm-up event was not understood')
  return event
}

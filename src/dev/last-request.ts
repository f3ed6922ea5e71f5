import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

/** Larger bodies are not kept. */
const MAX_BODY_BYTES = 1024 * 1024

/** Set by the connection, not by the request. */
const OWN_HEADERS: readonly string[] = ['connection', 'content-length', 'expect', 'keep-alive', 'transfer-encoding']

interface Kept {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly chunks: Buffer[]
  /** Undefined: more than is kept. */
  bytes: number | undefined
}

/** The request that the author sent last, so that it can be sent again. */
export class LastRequest {
  #last: Kept | undefined

  /** To be called before anything of the body has come. */
  keep(incoming: IncomingMessage): void {
    const { method = 'GET', url = '/', rawHeaders } = incoming
    const kept: Kept = { method, url, rawHeaders, chunks: [], bytes: 0 }
    this.#last = kept
    // Whoever reads the body decides when it flows: listening to it here would start it.
    const push = incoming.push.bind(incoming)
    incoming.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (Buffer.isBuffer(chunk) && kept.bytes !== undefined) {
        kept.bytes += chunk.length
        if (kept.bytes <= MAX_BODY_BYTES) kept.chunks.push(chunk)
        else kept.bytes = undefined
      }
      return push(chunk, encoding)
    }
  }

  /** Sends it again to this host; gives the answer's status, or in words why that cannot be. */
  async repeat(host: string, port: number): Promise<{ readonly about: string; readonly status: number } | string> {
    const last = this.#last
    if (last === undefined) return 'there was no request yet'
    if (last.bytes === undefined) return `the body of the last request is larger than ${MAX_BODY_BYTES} bytes and was not kept`
    const headers = last.rawHeaders.filter(
      (_, index, all) => !OWN_HEADERS.includes((all[index - (index % 2)] ?? '').toLowerCase()),
    )
    const body = Buffer.concat(last.chunks)
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = request({ host, port, method: last.method, path: last.url, setHost: false }, resolve)
      for (let index = 0; index + 1 < headers.length; index += 2) {
        outgoing.appendHeader(headers[index] ?? '', headers[index + 1] ?? '')
      }
      outgoing.on('error', reject)
      if (body.length > 0) outgoing.setHeader('content-length', body.length)
      outgoing.end(body)
    })
    await text(response)
    return { about: `${last.method} ${last.url}`, status: response.statusCode ?? 0 }
  }
}

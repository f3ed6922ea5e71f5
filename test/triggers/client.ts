import { Agent, request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { DEADLINE_MS } from './server.ts'

export interface Answer {
  readonly status: number
  /** In order, duplicates kept, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly header: (name: string) => string | undefined
  readonly body: Buffer
  readonly json: () => unknown
}

export interface Ask {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Uint8Array
  readonly agent?: Agent
}

/** One request through Node's client, on a connection of its own unless an agent is given. */
export function ask(port: number, path: string, { method = 'GET', headers = {}, body, agent }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const isChunked = 'transfer-encoding' in headers
    const length = body === undefined || isChunked ? {} : { 'content-length': body.length }
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path,
      method,
      headers: { ...length, ...headers },
      agent: agent ?? false,
      timeout: DEADLINE_MS,
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${DEADLINE_MS} ms`)))
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => void readAnswer(incoming).then(resolve, reject))
    outgoing.end(body)
  })
}

async function readAnswer(incoming: IncomingMessage): Promise<Answer> {
  const headers: [string, string][] = []
  for (let index = 0; index < incoming.rawHeaders.length; index += 2)
    headers.push([(incoming.rawHeaders[index] ?? '').toLowerCase(), incoming.rawHeaders[index + 1] ?? ''])
  const body = await buffer(incoming)
  return {
    status: incoming.statusCode ?? 0,
    headers,
    header: (name) => headers.find(([found]) => found === name)?.[1],
    body,
    json: () => JSON.parse(body.toString('utf8')) as unknown,
  }
}

/** A connection on which a test says byte for byte what is sent. */
export class RawConnection {
  readonly socket: Socket
  #received = ''
  #ended = false
  #check: (() => void) | undefined

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.setEncoding('latin1')
    this.socket.on('data', (text: string) => {
      this.#received += text
      this.#check?.()
    })
    const end = () => {
      this.#ended = true
      this.#check?.()
    }
    this.socket.on('end', end).on('error', end).on('close', end)
  }

  get received(): string {
    return this.#received
  }

  send(text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** Resolves with everything received when `done` is true of it, or when the other side has ended with `'end'`. */
  until(done: ((received: string) => boolean) | 'end'): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`waited too long; received ${JSON.stringify(this.#received)}`)),
        DEADLINE_MS,
      )
      this.#check = () => {
        if (done === 'end' ? !this.#ended : !done(this.#received)) return
        clearTimeout(timer)
        this.#check = undefined
        resolve(this.#received)
      }
      this.#check()
    })
  }
}

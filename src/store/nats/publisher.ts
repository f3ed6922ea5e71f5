import { createInbox, type MsgHdrs, type NatsConnection, type Subscription } from '@nats-io/transport-node'

export interface Publication {
  readonly data: Uint8Array
  readonly headers: MsgHdrs
}

/** Where a message is in its stream, or why it is not there. */
export type Published = { readonly sequence: number } | { readonly problem: string; readonly noStream: boolean }

interface Batch {
  readonly results: Published[]
  left: number
  readonly resolve: (results: readonly Published[]) => void
}

const TIMEOUT_MS = 5_000

/**
 * Publishes many messages at a time to a stream, with one timer and one promise for all of them: the client library's own request has for each a timer and
 * two errors with stacks, which cost more than the message.
 */
export class Publisher {
  readonly #connection: NatsConnection
  readonly #inbox = createInbox()
  readonly #batches = new Map<string, Batch>()
  readonly #subscription: Subscription
  #next = 0

  constructor(connection: NatsConnection) {
    this.#connection = connection
    this.#subscription = connection.subscribe(`${this.#inbox}.*.*`, {
      callback: (error, { subject, data, headers }) => {
        if (error !== null) return
        const [batch = '', index = ''] = subject.slice(this.#inbox.length + 1).split('.')
        this.#answered(batch, Number(index), readAnswer(data, headers))
      },
    })
  }

  /** What became of each, in their order. Rejects when the server says nothing: they may be there or not. */
  publish(subject: string, publications: readonly Publication[]): Promise<readonly Published[]> {
    if (publications.length === 0) return Promise.resolve([])
    const { promise, resolve, reject } = Promise.withResolvers<readonly Published[]>()
    const id = String(this.#next++)
    const timer = setTimeout(() => {
      this.#batches.delete(id)
      reject(new Error(`no answer within ${TIMEOUT_MS} ms`))
    }, TIMEOUT_MS)
    const done = (results: readonly Published[]): void => {
      clearTimeout(timer)
      this.#batches.delete(id)
      resolve(results)
    }
    this.#batches.set(id, { results: [], left: publications.length, resolve: done })
    try {
      for (const [index, { data, headers }] of publications.entries())
        this.#connection.publish(subject, data, { headers, reply: `${this.#inbox}.${id}.${index}` })
    } catch (error) {
      // Too long for the server, or the connection is closed.
      clearTimeout(timer)
      this.#batches.delete(id)
      throw error
    }
    return promise
  }

  close(): void {
    this.#subscription.unsubscribe()
  }

  #answered(id: string, index: number, result: Published): void {
    const batch = this.#batches.get(id)
    if (batch === undefined || batch.results[index] !== undefined) return
    batch.results[index] = result
    if (--batch.left === 0) batch.resolve(batch.results)
  }
}

/** NATS, "JetStream wire API": the answer to a publication. Nobody listens where there is no such stream. */
function readAnswer(data: Uint8Array, headers: MsgHdrs | undefined): Published {
  if (headers?.code === NO_RESPONDERS) return { problem: 'there is no such stream', noStream: true }
  const { seq, error } = JSON.parse(Buffer.from(data).toString()) as {
    readonly seq?: number
    readonly error?: { readonly description?: string }
  }
  return error === undefined && seq !== undefined
    ? { sequence: seq }
    : { problem: error?.description ?? 'the answer has no sequence', noStream: false }
}

const NO_RESPONDERS = 503

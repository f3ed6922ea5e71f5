import { AmpouleError } from '../../errors.ts'
import { createInbox, type MsgHdrs, type NatsConnection, type Subscription } from '@nats-io/transport-node'
import { sizeOf } from './message.ts'

export interface Publication {
  readonly subject: string
  readonly data: Uint8Array
  readonly headers: MsgHdrs
}

/** Where a message is in its stream, or why it is not there. */
type Published = { readonly sequence: number } | { readonly problem: string; readonly noStream: boolean }

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

  /**
   * The sequences of all, when they are in the server's files. Undefined: there is no stream for them. Rejects with `InvalidRequest` for what is too long,
   * before anything is sent, and when the server does not take one or says nothing: others may be there.
   */
  async publish(publications: readonly Publication[]): Promise<readonly number[] | undefined> {
    const limit = this.#connection.info?.max_payload ?? Infinity
    for (const { data, headers } of publications) {
      const bytes = data.length + sizeOf(headers)
      if (bytes > limit)
        throw new AmpouleError(
          'InvalidRequest',
          `${data.length} bytes, ${bytes} with what goes along, are more than the NATS server takes (max_payload: ${limit} bytes)`,
        )
    }
    const sequences: number[] = []
    for (const one of publications.length === 0 ? [] : await this.#send(publications)) {
      if ('sequence' in one) sequences.push(one.sequence)
      else if (one.noStream) return undefined
      else throw new Error(one.problem)
    }
    return sequences
  }

  #send(publications: readonly Publication[]): Promise<readonly Published[]> {
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
      for (const [index, { subject, data, headers }] of publications.entries())
        this.#connection.publish(subject, data, { headers, reply: `${this.#inbox}.${id}.${index}` })
    } catch (error) {
      // The connection is closed.
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

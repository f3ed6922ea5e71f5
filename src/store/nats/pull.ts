import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node'

/** Longer than any server takes that is there. */
const TIMEOUT_MS = 5_000

/**
 * What a consumer has now, up to `limit` messages, without waiting for more (the client library only knows requests that wait). Undefined: no answer,
 * as when there is no such consumer. NATS, "JetStream wire API": CONSUMER.MSG.NEXT with `no_wait`.
 */
export function pull(
  connection: NatsConnection,
  { stream, consumer, limit }: { readonly stream: string; readonly consumer: string; readonly limit: number },
): Promise<readonly Msg[] | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly Msg[] | undefined>()
  const inbox = createInbox()
  const messages: Msg[] = []
  // What came is given whatever comes after: the server counts it as given.
  const end = (complete: boolean): void => {
    clearTimeout(timer)
    subscription.unsubscribe()
    resolve(complete || messages.length > 0 ? messages : undefined)
  }
  const subscription = connection.subscribe(inbox, {
    callback(error, message) {
      if (error !== null) {
        clearTimeout(timer)
        return reject(error)
      }
      // A status says that there is no more: 404 at all, 408 than these, 409 since the consumer has gone.
      const status = message.headers?.code ?? 0
      if (status !== 0) return end(status !== CONFLICT)
      messages.push(message)
      if (messages.length === limit) end(true)
    },
  })
  const timer = setTimeout(() => end(false), TIMEOUT_MS)
  connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify({ batch: limit, no_wait: true }), {
    reply: inbox,
  })
  return promise
}

const CONFLICT = 409

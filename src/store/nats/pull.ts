import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node'

/** Without a word for so long, there is nothing: a server says nothing where others have just taken what it saw, or where there is no such consumer. */
const SILENT_MS = 1_000

/**
 * What a consumer has now, up to `limit` messages, without waiting for more (the client library only knows requests that wait). Undefined: the server said
 * nothing. NATS, "JetStream wire API": CONSUMER.MSG.NEXT with `no_wait`.
 */
export function pull(
  connection: NatsConnection,
  { stream, consumer, limit }: { readonly stream: string; readonly consumer: string; readonly limit: number },
): Promise<readonly Msg[] | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly Msg[] | undefined>()
  const inbox = createInbox()
  const messages: Msg[] = []
  // What came is given whatever comes after: the server counts it as given.
  const end = (answered: boolean): void => {
    clearTimeout(timer)
    subscription.unsubscribe()
    resolve(answered || messages.length > 0 ? messages : undefined)
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
      timer.refresh()
      if (messages.length === limit) end(true)
    },
  })
  const timer = setTimeout(() => end(false), SILENT_MS)
  connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify({ batch: limit, no_wait: true }), {
    reply: inbox,
  })
  return promise
}

const CONFLICT = 409

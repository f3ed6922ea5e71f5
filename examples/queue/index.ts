// A queue worker: each message stands for itself. What is acknowledged is done, what is retried comes again, and what nobody could ever
// process is taken out of the way. Try it:
//   ampoule invoke queue --event queue --data '[{"body":{"order":1,"amount":20}}, {"body":{"order":2,"amount":-1}}, "no JSON"]'
import type { ExportedHandler, Message } from '@ampoule/guest'

interface Order {
  readonly order: number
  readonly amount: number
}

const MAX_ATTEMPTS = 3

function book({ order, amount }: Order): void {
  if (!(amount > 0)) throw new RangeError(`order ${order} has the amount ${amount}`)
  console.log(`booked ${amount} for order ${order}`)
}

function handle(message: Message<Order>): void {
  try {
    book(message.json())
    message.ack()
  } catch (error) {
    if (error instanceof SyntaxError || message.attempts >= MAX_ATTEMPTS) {
      console.error(`gave up on ${message.id}: ${String(error)}`)
      message.ack()
      return
    }
    // 10 s, 20 s, …
    message.retry({ delaySeconds: 10 * message.attempts })
  }
}

export default {
  queue(batch) {
    console.log(`${batch.messages.length} messages of ${batch.queue}`)
    for (const message of batch.messages) handle(message)
  },
  fetch: () => new Response('A queue worker: see examples/queue/index.ts for how to give it messages.\n'),
} satisfies ExportedHandler<unknown, Order>

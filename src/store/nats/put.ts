import { JetStreamApiError } from '@nats-io/jetstream'

/** Adds a stream or a consumer, or changes the one that is there. */
export async function put(add: () => Promise<unknown>, change: () => Promise<unknown>): Promise<void> {
  try {
    await add()
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || !IN_USE.has(error.code)) throw error
    await change()
  }
}

/** NATS, "JetStream API errors": a stream, or a consumer, of that name is there and different. */
const IN_USE = new Set([10_058, 10_148, 10_013, 10_012])

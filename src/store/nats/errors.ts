import { JetStreamApiError } from '@nats-io/jetstream'

const NOT_THERE = 404

/** For what may not be there: rejects with everything else. */
export function unlessGone(error: unknown): undefined {
  if (error instanceof JetStreamApiError && error.status === NOT_THERE) return undefined
  throw error
}

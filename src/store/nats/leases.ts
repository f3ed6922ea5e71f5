import { JetStreamApiError } from '@nats-io/jetstream'
import type { KV } from '@nats-io/kv'

/** After which a lease is nobody's that its host has not renewed. */
export const LEASE_MS = 15_000
const RENEW_MS = 5_000
/** Before it is another's. */
const LOST_MS = 12_000

/** Something that one host has at a time. */
export interface Lease {
  release(): Promise<void>
}

/** Takes what nobody has: an entry of a bucket whose entries go after {@link LEASE_MS}. `lost` is called when it may be another's. Undefined: another has it. */
export async function takeLease(bucket: KV, key: string, holder: string, lost: () => void): Promise<Lease | undefined> {
  let revision: number
  try {
    revision = await bucket.create(key, holder)
  } catch (error) {
    if (isConflict(error)) return undefined
    throw error
  }
  let renewedMs = performance.now()
  let ended = false
  const timer = setInterval(() => {
    const askedMs = performance.now()
    bucket.update(key, holder, revision).then(
      (next) => {
        revision = next
        renewedMs = askedMs
      },
      (error: unknown) => {
        if (ended || !(isConflict(error) || performance.now() - renewedMs > LOST_MS)) return
        end()
        lost()
      },
    )
  }, RENEW_MS)
  timer.unref()
  const end = (): void => {
    ended = true
    clearInterval(timer)
  }
  return {
    async release() {
      if (ended) return
      end()
      // Where that fails, it goes by itself.
      await bucket.delete(key, { previousSeq: revision }).catch(() => undefined)
    },
  }
}

/** NATS, "JetStream API errors": there is an entry, or a newer one. */
export const isConflict = (error: unknown): boolean => error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE

const WRONG_LAST_SEQUENCE = 10_071

import { createClient, RESP_TYPES } from '@redis/client'
import { AmpouleError } from '../../errors.ts'

const CONNECT_MS = 5_000

/** A client whose values are bytes. Rejects with `StoreUnavailable` when nobody is there; whoever has one asks for another when it is closed. */
export async function connectRedis(url: string) {
  const client = createClient({ url, socket: { connectTimeout: CONNECT_MS, reconnectStrategy: false } })
  // Told by what is asked.
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (error) {
    client.destroy()
    throw new AmpouleError('StoreUnavailable', `Redis cannot be reached: ${(error as Error).message}`, { cause: error })
  }
  return client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
}

export type Redis = Awaited<ReturnType<typeof connectRedis>>

/** Throws `InvalidConfiguration`. */
export function requireRedisUrl(text: string): string {
  const url = URL.parse(text)
  if (url !== null && ['redis:', 'rediss:'].includes(url.protocol) && url.host !== '') return text
  throw new AmpouleError('InvalidConfiguration', 'redis must be a URL like redis://127.0.0.1:6379, or rediss://…')
}

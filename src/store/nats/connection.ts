import { readFile } from 'node:fs/promises'
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream'
import { AmpouleError } from '../../errors.ts'
import { Publisher } from './publisher.ts'

export interface NatsOptions {
  /** `nats://host:port`, or `tls://…`, with `user:password@` or `token@` where the server wants it; several with commas between. */
  readonly servers: string
  /** A file with a user's JWT and key (`.creds`). */
  readonly credentials: string | undefined
  /** How many servers of a cluster keep each queue: 1, 3 or 5. */
  readonly replicas: number
  /** Told when the server goes away and when it is back. */
  readonly report: (level: 'info' | 'error', message: string) => void
}

/** A connection that stays: while the server is away, requests reject with `StoreUnavailable`. */
export interface Nats {
  readonly connection: NatsConnection
  readonly js: JetStreamClient
  readonly jsm: JetStreamManager
  readonly publisher: Publisher
  readonly replicas: number
  /** Why nothing can be asked now; undefined: something can. */
  readonly trouble: string | undefined
  /** Runs what asks the server; what it rejects with is turned into an `AmpouleError`. */
  ask<T>(work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** For the server to come up, where host and server are started together. */
const CONNECT_ATTEMPTS = 10
const CONNECT_WAIT_MS = 1_000
/** Of one request. */
const TIMEOUT_MS = 5_000
/** Doubled at each attempt. */
const RECONNECT_WAIT_MS = 100
const MAX_RECONNECT_WAIT_MS = 5_000

/** Rejects with `InvalidConfiguration` when there is no such server, or it has no JetStream. */
export async function connectNats({ servers, credentials, replicas, report }: NatsOptions): Promise<Nats> {
  const shown = withoutSecrets(servers)
  let reconnects = 0
  const waits = () => Math.min(RECONNECT_WAIT_MS * 2 ** reconnects++, MAX_RECONNECT_WAIT_MS)
  const connection = await first({ servers, credentials, waits }, shown)
  let trouble: string | undefined
  let closed = false
  const watching = (async () => {
    for await (const { type } of connection.status()) {
      if (closed) return
      if (type === 'disconnect') {
        trouble = 'NATS, which keeps queues and streams, is away'
        report('error', `NATS at ${shown} is away: queues and streams do nothing until it is back`)
      } else if (type === 'reconnect') {
        trouble = undefined
        reconnects = 0
        report('info', `NATS at ${shown} is back`)
      }
    }
  })()
  try {
    const jsm = await jetstreamManager(connection, { timeout: TIMEOUT_MS })
    const publisher = new Publisher(connection)
    return {
      publisher,
      connection,
      js: jetstream(connection, { timeout: TIMEOUT_MS }),
      jsm,
      replicas,
      get trouble() {
        return trouble
      },
      async ask(work) {
        if (closed) throw new AmpouleError('ShuttingDown', 'the host is shutting down')
        if (trouble !== undefined) throw new AmpouleError('StoreUnavailable', `${trouble}: try again later`)
        try {
          return await work()
        } catch (error) {
          if (error instanceof AmpouleError) throw error
          throw new AmpouleError('StoreUnavailable', `NATS at ${shown} did not do it: ${(error as Error).message}`, {
            cause: error,
          })
        }
      },
      async close() {
        if (closed) return
        closed = true
        publisher.close()
        await (trouble === undefined ? connection.drain() : connection.close())
        await watching
      },
    }
  } catch (error) {
    closed = true
    await connection.close()
    throw new AmpouleError('InvalidConfiguration', `the server NATS at ${shown} has no JetStream: start it with -js`, {
      cause: error,
    })
  }
}

interface First extends Pick<NatsOptions, 'servers' | 'credentials'> {
  /** Milliseconds before the next attempt at a server that has gone away. */
  readonly waits: () => number
}

async function first({ servers, credentials, waits }: First, shown: string): Promise<NatsConnection> {
  const authenticator = credentials === undefined ? undefined : credsAuthenticator(await readCredentials(credentials))
  const options = readServers(servers)
  for (let attempt = 1; ; attempt++)
    try {
      return await connect({
        ...options,
        name: 'ampoule',
        timeout: TIMEOUT_MS,
        maxReconnectAttempts: -1,
        reconnectDelayHandler: waits,
        ...(authenticator !== undefined && { authenticator }),
      })
    } catch (error) {
      const { name, message } = error as Error
      // Nobody is there yet; what is refused stays so.
      const away = name === 'ConnectionError' || name === 'TimeoutError'
      if (!away || attempt === CONNECT_ATTEMPTS)
        throw new AmpouleError('InvalidConfiguration', `NATS at ${shown} cannot be reached: ${message}`, { cause: error })
      await new Promise((resolve) => setTimeout(resolve, CONNECT_WAIT_MS))
    }
}

interface Servers {
  readonly servers: string[]
  readonly user?: string
  readonly pass?: string
  readonly token?: string
  readonly tls?: object
}

/** Throws `InvalidConfiguration`. */
function readServers(text: string): Servers {
  const urls = text.split(',').map((one) => readUrl(one.trim()))
  const secret = urls.find(({ username }) => username !== '')
  const [user, pass] = [secret?.username ?? '', secret?.password ?? ''].map(decodeURIComponent) as [string, string]
  return {
    servers: urls.map(({ host }) => host),
    ...(user !== '' && (pass === '' ? { token: user } : { user, pass })),
    ...(urls.some(({ protocol }) => protocol === 'tls:') && { tls: {} }),
  }
}

function readUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null || !['nats:', 'tls:'].includes(url.protocol) || url.host === '')
    throw new AmpouleError(
      'InvalidConfiguration',
      `nats is "${withoutSecrets(text)}": it must be like nats://127.0.0.1:4222, or tls://…`,
    )
  return url
}

async function readCredentials(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new AmpouleError('InvalidConfiguration', `natsCredentials: ${(error as Error).message}`, { cause: error })
  }
}

const withoutSecrets = (servers: string): string => servers.replaceAll(/\/\/[^@,/]*@/g, '//…@')

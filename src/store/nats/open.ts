import type { QueueEngine } from '../queue.ts'
import type { StreamEngine } from '../stream.ts'
import type { TickEngine } from '../ticks.ts'
import { connectNats, type NatsOptions } from './connection.ts'
import { NatsQueues } from './queues.ts'
import { NatsStreams } from './streams.ts'
import { NatsTicks } from './ticks.ts'

/** What hosts share that are connected to the same servers. */
export interface NatsEngines {
  readonly queues: QueueEngine
  readonly streams: StreamEngine
  readonly ticks: TickEngine
  /** Behind those of the engines. */
  close(): Promise<void>
}

/** Rejects with `InvalidConfiguration`; requests of the engines reject with `StoreUnavailable` while the server is away. `now`: milliseconds since the epoch. */
export async function openNats(options: NatsOptions, now: () => number): Promise<NatsEngines> {
  const nats = await connectNats(options)
  try {
    const queues = await NatsQueues.open(nats, now)
    const streams = await NatsStreams.open(nats, now)
    return { queues, streams, ticks: await NatsTicks.open(nats), close: () => nats.close() }
  } catch (error) {
    await nats.close()
    throw error
  }
}

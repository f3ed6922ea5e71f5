import { Kvm } from '@nats-io/kv'
import type { QueueEngine } from '../queue.ts'
import type { TickEngine } from '../ticks.ts'
import { connectNats, type NatsOptions } from './connection.ts'
import { NatsQueues, QUEUES_BUCKET } from './queues.ts'
import { NatsTicks } from './ticks.ts'

/** What hosts share that are connected to the same servers. */
export interface NatsEngines {
  readonly queues: QueueEngine
  readonly ticks: TickEngine
  /** Behind those of the engines. */
  close(): Promise<void>
}

/** Rejects with `InvalidConfiguration`; requests of the engines reject with `StoreUnavailable` while the server is away. `now`: milliseconds since the epoch. */
export async function openNats(options: NatsOptions, now: () => number): Promise<NatsEngines> {
  const nats = await connectNats(options)
  try {
    const bucket = await new Kvm(nats.js).create(QUEUES_BUCKET, { replicas: nats.replicas })
    const queues = new NatsQueues(nats, bucket, now)
    await queues.load()
    return { queues, ticks: await NatsTicks.open(nats), close: () => nats.close() }
  } catch (error) {
    await nats.close()
    throw error
  }
}

import { parentPort, workerData } from 'node:worker_threads'
import { toMessage } from '../errors.ts'
import type { LaneProgram } from './contract.ts'
import { SharedCounts } from './counts.ts'
import type { FromLane, LaneFunction, LaneWorkerData, ToLane } from './lane-messages.ts'
import { engineParts } from './parts.ts'
import { Runner } from './runner.ts'
import { SliceScheduler } from './slices.ts'

// The entry of a lane's thread.
const port = parentPort
if (port === null) throw new Error('lane-worker.ts is the entry of a worker thread')
const post = (message: FromLane): void => port.postMessage(message)

const data = workerData as LaneWorkerData
const scheduler = new SliceScheduler()
const counts = new SharedCounts(data.lanes, data.lane, data.counts)
const parts = engineParts(data.restore)
const runners = new Map<string, Runner>()
const heartbeats = new Int32Array(data.heartbeats)

/** How often a lane shows that its event loop turns; milliseconds. */
const HEARTBEAT_MS = 100
const beat = (): void => void Atomics.add(heartbeats, data.lane, 1)
beat()
setInterval(beat, HEARTBEAT_MS).unref()

async function deploy({ spec, material, index, minInstances }: LaneFunction): Promise<void> {
  const runner = new Runner({
    spec,
    material,
    parts,
    scheduler,
    counts,
    index,
    minInstances,
    ceilingKib: data.ceilingKib,
    verifyEvery: data.verifyEvery,
    requestEviction: (scarce) => {
      if (scarce === 'instances') post({ kind: 'evict', name: spec.name })
      else if (!evictAny(runner)) post({ kind: 'evict', name: undefined })
    },
    // Ends this thread; the host starts another in its place.
    stuck: () => process.exit(70),
  })
  await runner.pool.prewarm()
  const old = runners.get(spec.name)
  runners.set(spec.name, runner)
  await old?.close()
}

/** Lets go one idle instance of any function but `except`. */
function evictAny(except?: Runner): boolean {
  for (const runner of runners.values()) if (runner !== except && runner.pool.evict()) return true
  return false
}

async function start(): Promise<void> {
  for (const fn of data.functions) await deploy(fn)
  const { startLane } = (await import(data.program)) as { startLane: LaneProgram }
  const server = await startLane(data.data, runners)

  port!.on('message', (message: ToLane) => {
    switch (message.kind) {
      case 'deploy':
        deploy(message.fn).then(
          () => post({ kind: 'done', id: message.id }),
          (error: unknown) => post({ kind: 'done', id: message.id, error: toMessage(error) }),
        )
        break
      case 'remove': {
        const removed = runners.get(message.name)
        runners.delete(message.name)
        void (removed?.close() ?? Promise.resolve()).finally(() => post({ kind: 'done', id: message.id }))
        break
      }
      case 'update':
        server.update?.(message.program)
        post({ kind: 'done', id: message.id })
        break
      case 'evict':
        if (message.name === undefined) evictAny()
        else runners.get(message.name)?.pool.evict()
        break
      case 'stop':
        void server
          .stop(message.graceMs)
          .then(() => Promise.all([...runners.values()].map((runner) => runner.close())))
          .finally(() => post({ kind: 'stopped' }))
        break
      default:
        message satisfies never
    }
  })
  post({ kind: 'ready', port: server.port })
}

start().catch((error: unknown) => post({ kind: 'failed', error: toMessage(error) }))

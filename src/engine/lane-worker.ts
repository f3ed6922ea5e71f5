import { parentPort, workerData } from 'node:worker_threads'
import { fromMessage, toMessage } from '../errors.ts'
import type { LaneProgram, LaneSupervisor } from './contract.ts'
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

/** Gives what has been replaced; it still runs what it was running. */
async function deploy({ spec, material, index, quota, minInstances }: LaneFunction): Promise<Runner | undefined> {
  const runner = new Runner({
    spec,
    material,
    parts,
    scheduler,
    counts,
    index,
    quota,
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
  return old
}

function release(id: number, runner: Runner | undefined): void {
  const closed = runner?.close() ?? Promise.resolve()
  const released = (): void => post({ kind: 'released', id })
  closed.then(released, released)
}

/** Questions to the main thread that have no answer yet. */
const asked = new Map<number, { readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void }>()
let nextQuestion = 1

const supervisor: LaneSupervisor = {
  ask: (content, transfer = []) =>
    new Promise((resolve, reject) => {
      const question = nextQuestion++
      asked.set(question, { resolve, reject })
      port.postMessage({ kind: 'ask', question, content } satisfies FromLane, [...transfer])
    }),
}

/** Lets go one idle instance of any function but `except`. */
function evictAny(except?: Runner): boolean {
  for (const runner of runners.values()) if (runner !== except && runner.pool.evict()) return true
  return false
}

async function start(): Promise<void> {
  for (const fn of data.functions) await deploy(fn)
  const { startLane } = (await import(data.program)) as { startLane: LaneProgram }
  const server = await startLane(data.data, runners, supervisor)

  port!.on('message', (message: ToLane) => {
    switch (message.kind) {
      case 'deploy':
        deploy(message.fn).then(
          (replaced) => {
            post({ kind: 'done', id: message.id })
            release(message.id, replaced)
          },
          (error: unknown) => post({ kind: 'done', id: message.id, error: toMessage(error) }),
        )
        break
      case 'remove': {
        const removed = runners.get(message.name)
        runners.delete(message.name)
        post({ kind: 'done', id: message.id })
        release(message.id, removed)
        break
      }
      case 'provision': {
        const { id, name, instances, minInstances } = message
        const provisioned = runners.get(name)?.pool.provision(instances, minInstances) ?? Promise.resolve()
        provisioned.then(
          () => post({ kind: 'done', id }),
          (error: unknown) => post({ kind: 'done', id, error: toMessage(error) }),
        )
        break
      }
      case 'tell':
        server.told?.(message.message)
        post({ kind: 'done', id: message.id })
        break
      case 'answer':
        asked.get(message.question)?.resolve(message.answer)
        asked.delete(message.question)
        break
      case 'unanswered':
        asked.get(message.question)?.reject(fromMessage(message.error))
        asked.delete(message.question)
        break
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

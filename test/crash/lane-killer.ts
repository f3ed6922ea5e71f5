import { BroadcastChannel, isMainThread, Worker, type WorkerOptions } from 'node:worker_threads'
import { createRequire, syncBuiltinESMExports } from 'node:module'

/*
 * Loaded before a host (`--import`): SIGUSR2 ends one of its lanes, by `terminate()` or by an error that nobody catches.
 */
const channel = new BroadcastChannel('lane-killer')
channel.unref()

if (isMainThread) {
  const threads = createRequire(import.meta.url)('node:worker_threads') as { Worker: typeof Worker }
  const lanes = new Set<Worker>()
  threads.Worker = class extends Worker {
    constructor(program: string | URL, options?: WorkerOptions) {
      super(program, options)
      if (!String(program).endsWith('/lane-worker.ts')) return
      lanes.add(this)
      this.once('exit', () => lanes.delete(this))
    }
  }
  syncBuiltinESMExports()
  process.on('SIGUSR2', () => {
    const lane = [...lanes][Math.floor(Math.random() * lanes.size)]
    if (lane === undefined) return
    if (Math.random() < 0.5) void lane.terminate()
    else channel.postMessage(lane.threadId)
  })
} else {
  const { threadId } = await import('node:worker_threads')
  channel.addEventListener('message', ({ data }) => {
    if (data === threadId)
      setImmediate(() => {
        throw new Error('an error that a test has thrown')
      })
  })
}

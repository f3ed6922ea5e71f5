import type { Observer } from '../observe/records.ts'
import type { Queues } from './queues.ts'

export interface MoveTask {
  /** A UUID. */
  readonly id: string
  readonly source: string
  /** Undefined: where each message was before. */
  readonly destination: string | undefined
  /** Messages. */
  readonly perSecond: number | undefined
  readonly startedMs: number
  /** How many there were at the start. */
  readonly toMove: number
  moved: number
  status: 'RUNNING' | 'COMPLETED' | 'CANCELLING' | 'CANCELLED' | 'FAILED'
  failure: string | undefined
}

/** At a time, where nobody limits it. */
const STEP = 500
/** AWS shows so many of a queue. */
const MOST_SHOWN = 10
const SECOND_MS = 1000

/** Redrives: messages of dead-letter queues on their way back. They are under way in this host only: who stops it starts them again. */
export class MoveTasks {
  readonly #queues: Queues
  readonly #observe: Observer
  /** By source; the newest first. */
  readonly #tasks = new Map<string, MoveTask[]>()
  readonly #running = new Set<Promise<void>>()
  readonly #closing = Promise.withResolvers<void>()
  #closed = false

  constructor(queues: Queues, observe: Observer) {
    this.#queues = queues
    this.#observe = observe
  }

  of(source: string): readonly MoveTask[] {
    return this.#tasks.get(source) ?? []
  }

  find(id: string): MoveTask | undefined {
    return this.#tasks
      .values()
      .flatMap((tasks) => tasks)
      .find((task) => task.id === id)
  }

  start(task: MoveTask): void {
    this.#tasks.set(task.source, [task, ...this.of(task.source)].slice(0, MOST_SHOWN))
    const run = this.#run(task).catch((error: unknown) => {
      task.status = 'FAILED'
      task.failure = error instanceof Error ? error.message : String(error)
      const message = `messages of the queue ${task.source} could not be moved: ${task.failure}`
      this.#observe({ type: 'host', time: Date.now(), level: 'error', message })
    })
    this.#running.add(run)
    void run.finally(() => this.#running.delete(run))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#closing.resolve()
    await Promise.all(this.#running)
  }

  async #run(task: MoveTask): Promise<void> {
    const { source, destination, perSecond } = task
    while (!this.#closed) {
      if (task.status === 'CANCELLING') {
        task.status = 'CANCELLED'
        return
      }
      const moved = await this.#queues.engine.move(source, destination, Math.min(perSecond ?? STEP, STEP))
      task.moved += moved
      if (moved === 0) {
        task.status = 'COMPLETED'
        return
      }
      this.#queues.wakeAll()
      if (perSecond !== undefined) await this.#pause(SECOND_MS)
    }
  }

  async #pause(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const passed = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))
    await Promise.race([passed, this.#closing.promise])
    clearTimeout(timer)
  }
}

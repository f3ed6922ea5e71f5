import type { NewMessage, QueueEngine, ReceivedMessage, ReceiveOptions, SentMessage } from '../store/queue.ts'

/** How often a waiting receiver looks for messages whose time has come: delayed ones, and those that nobody acknowledged. */
const LOOK_MS = 200

/** Queues with receivers that wait. Every message goes in here, so that those who wait for it are woken. */
export class Queues {
  readonly engine: QueueEngine
  /** By queue; called when there may be messages. */
  readonly #waiting = new Map<string, Set<() => void>>()
  #draining = false

  constructor(engine: QueueEngine) {
    this.engine = engine
    engine.watch?.((name) => this.wake(name))
  }

  async send(name: string, messages: readonly NewMessage[]): Promise<readonly SentMessage[]> {
    const sent = await this.engine.send(name, messages)
    this.wake(name)
    return sent
  }

  /** As the engine's, but where there is none waits for messages up to `waitMs` milliseconds, or until the signal is aborted. */
  async receive(
    name: string,
    { waitMs, signal, ...options }: ReceiveOptions & { readonly waitMs: number; readonly signal?: AbortSignal },
  ): Promise<readonly ReceivedMessage[]> {
    const endMs = performance.now() + waitMs
    for (;;) {
      const woken = this.#wait(name)
      try {
        const received = await this.engine.receive(name, options)
        const leftMs = endMs - performance.now()
        if (received.length > 0 || leftMs <= 0 || this.#draining || signal?.aborted === true) return received
        await woken.within(Math.min(leftMs, LOOK_MS), signal)
      } finally {
        woken.end()
      }
    }
  }

  /** There may be something for those who wait. */
  wake(name: string): void {
    for (const wake of this.#waiting.get(name) ?? []) wake()
  }

  wakeAll(): void {
    for (const name of this.#waiting.keys()) this.wake(name)
  }

  /** From now on nobody waits. */
  drain(): void {
    this.#draining = true
    this.wakeAll()
  }

  async close(): Promise<void> {
    this.drain()
    await this.engine.close()
  }

  /** Woken also by what comes before `within` is called. */
  #wait(name: string): { within(ms: number, signal: AbortSignal | undefined): Promise<void>; end(): void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting = this.#waiting.get(name) ?? new Set()
    this.#waiting.set(name, waiting.add(resolve))
    let timer: NodeJS.Timeout | undefined
    const aborted = () => resolve()
    return {
      async within(ms, signal) {
        timer = setTimeout(resolve, ms)
        signal?.addEventListener('abort', aborted)
        await promise
        signal?.removeEventListener('abort', aborted)
      },
      end: () => {
        clearTimeout(timer)
        waiting.delete(resolve)
        if (waiting.size === 0) this.#waiting.delete(name)
      },
    }
  }
}

import { dayOf } from '../observe/logs/names.ts'
import type { LogStore } from '../observe/logs/log-store.ts'
import type { Observer } from '../observe/records.ts'
import { NOTHING } from '../observe/usage/counted.ts'
import type { LogsWanted } from './lane-protocol.ts'
import type { Lanes, Residence } from './residence.ts'

export interface LogsOptions {
  readonly store: LogStore
  readonly lanes: Pick<Lanes, 'tell'>
  readonly residence: Pick<Residence, 'provisioned'>
  readonly observe: Observer
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** A lane that does not turn is not waited for; milliseconds. */
const COLLECT_MS = 1_000
/** How often what is kept ready is counted; milliseconds. */
const COUNT_MS = 1_000

/** Logs and usage of managed functions, as far as the control plane has to do with them. */
export class Logs {
  readonly store: LogStore
  readonly #options: LogsOptions
  readonly #timer: NodeJS.Timeout
  #countedMs: number
  #failing = false

  constructor(options: LogsOptions) {
    this.store = options.store
    this.#options = options
    this.#countedMs = options.now()
    this.#timer = setInterval(() => void this.#countProvisioned(), COUNT_MS).unref()
  }

  /** Has lanes hand over what they have. Everything of before the time that this gives (milliseconds since the epoch) can then be read. */
  async collect(): Promise<number> {
    const { lanes, now } = this.#options
    const until = now()
    const deadline = Promise.withResolvers<void>()
    const timer = setTimeout(deadline.resolve, COLLECT_MS)
    await Promise.race([lanes.tell({ logs: true } satisfies LogsWanted), deadline.promise])
    clearTimeout(timer)
    return until
  }

  /** Counts what was kept ready until now. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#countProvisioned()
    await this.store.close()
  }

  async #countProvisioned(): Promise<void> {
    const { residence, observe, now } = this.#options
    const nowMs = now()
    const elapsedMs = Math.max(0, nowMs - this.#countedMs)
    this.#countedMs = nowMs
    const ready = residence.provisioned()
    if (ready.length === 0) return
    const counted = ready.map(({ name, version, instances, memoryMb }) => ({
      ...NOTHING,
      day: dayOf(nowMs),
      functionName: name,
      version,
      provisionedMbMs: instances * memoryMb * elapsedMs,
    }))
    try {
      await this.store.count(counted)
      this.#failing = false
    } catch (error) {
      if (!this.#failing)
        observe({ type: 'host', time: nowMs, level: 'error', message: `usage could not be kept: ${String(error)}` })
      this.#failing = true
    }
  }
}

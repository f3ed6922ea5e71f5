import type { Observer } from './records.ts'

/** What one invocation may log; the rest is counted and dropped, so that a flood harms neither the disk nor the neighbours. */
export const MAX_LINES = 1000
export const MAX_BYTES = 256 * 1024
/** A longer line is cut. */
export const MAX_LINE_LENGTH = 16 * 1024

export interface Origin {
  readonly function: string
  readonly requestId: string
}

/** The log of one invocation, within its limits. */
export class InvocationLog {
  readonly #observe: Observer
  readonly #origin: Origin
  readonly #now: () => number
  #lines = 0
  #bytes = 0
  #droppedLines = 0
  #droppedBytes = 0

  constructor(origin: Origin, observe: Observer, now: () => number) {
    this.#origin = origin
    this.#observe = observe
    this.#now = now
  }

  /** `line` without its newline. */
  write(stream: 'stdout' | 'stderr', line: string): void {
    const message =
      line.length > MAX_LINE_LENGTH ? `${line.slice(0, MAX_LINE_LENGTH)}… (${line.length - MAX_LINE_LENGTH} more)` : line
    if (this.#lines >= MAX_LINES || this.#bytes + message.length > MAX_BYTES) {
      this.#droppedLines++
      this.#droppedBytes += line.length
      return
    }
    this.#lines++
    this.#bytes += message.length
    this.#emit(stream, message)
  }

  /** Says what was dropped, if anything. */
  end(): void {
    if (this.#droppedLines === 0) return
    const limits = `one invocation may log ${MAX_LINES} lines and ${MAX_BYTES} bytes`
    this.#emit('stderr', `${this.#droppedLines} lines (${this.#droppedBytes} characters) were dropped: ${limits}`)
    this.#droppedLines = 0
    this.#droppedBytes = 0
  }

  #emit(stream: 'stdout' | 'stderr', message: string): void {
    this.#observe({ type: 'log', time: this.#now(), ...this.#origin, stream, message })
  }
}

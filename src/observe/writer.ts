import type { Writable } from 'node:stream'
import type { Format } from './format.ts'
import type { Observer } from './records.ts'

/** What may wait for a slow reader of the log before lines are dropped, in bytes (UTF-16 units times one: an estimate). */
export const MAX_WAITING_BYTES = 4 * 1024 * 1024

export interface Writer {
  readonly observe: Observer
  /** Resolves when everything observed so far was handed to the stream's other end. */
  readonly flush: () => Promise<void>
}

/**
 * An observer that writes one line per record, gathered over a turn of the event loop into one write. When the reader is slow
 * and more than `MAX_WAITING_BYTES` wait, records are dropped, and a line says how many as soon as there is room again.
 */
export function createWriter(out: Writable, format: Format): Writer {
  let waiting: string[] = []
  let waitingBytes = 0
  let dropped = 0
  const write = (done?: () => void) => {
    if (dropped > 0 && out.writableLength === 0) {
      waiting.push(
        format({
          type: 'host',
          time: Date.now(),
          level: 'error',
          message: `${dropped} log lines were dropped: the reader of the log is too slow`,
        }),
      )
      dropped = 0
    }
    const text = waiting.length === 0 ? '' : `${waiting.join('\n')}\n`
    waiting = []
    waitingBytes = 0
    out.write(text, done)
  }
  return {
    observe(record) {
      if (out.writableLength + waitingBytes > MAX_WAITING_BYTES) {
        dropped++
        return
      }
      const line = format(record)
      if (waiting.length === 0) setImmediate(write)
      waiting.push(line)
      waitingBytes += line.length
    },
    flush: () => new Promise((resolve) => write(() => resolve())),
  }
}

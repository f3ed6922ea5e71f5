import { randomBytes } from 'node:crypto'
import type { Chunk } from './batch.ts'
import { noticeEntry, packEntries, startEntry, type Entry } from './entry.ts'
import { dayOf, logStreamName } from './names.ts'

/** What may wait in a lane to be written, of one version and of all; bytes, estimated. It bounds what a function can write, too. */
export const MAX_VERSION_BYTES = 2 * 1024 * 1024
export const MAX_LANE_BYTES = 16 * 1024 * 1024
/** An entry, besides its text. */
const ENTRY_BYTES = 100

/** What waits in the whole lane; bytes. */
export interface Held {
  bytes: number
}

/** Has one invocation after the other: what they log stands behind each other, as in Lambda, where a sandbox has a stream. */
export interface Stream {
  readonly name: string
  /** On which it began; it ends with it. */
  readonly day: string
  entries: Entry[]
  /** Entries for which there was no room. */
  dropped: number
  open: { readonly requestId: string; readonly startedMs: number; begun: boolean } | undefined
}

/** What is taken to be kept. */
export interface Taken {
  readonly chunks: readonly Chunk[]
  readonly entries: number
  readonly bytes: number
}

/** The log of one version in a lane: a stream for each of the invocations that run at once, with what is not on disk yet. */
export class VersionLog {
  readonly functionName: string
  readonly version: string
  readonly #streams = new Set<Stream>()
  readonly #free: Stream[] = []
  readonly #laneHeld: Held
  /** With what is on its way to disk. */
  #held = 0
  #fresh = 0

  constructor(functionName: string, version: string, laneHeld: Held) {
    this.functionName = functionName
    this.version = version
    this.#laneHeld = laneHeld
  }

  /** Whether an invocation runs. */
  get busy(): boolean {
    return this.#free.length < this.#streams.size
  }

  /** The stream is the invocation's until {@link end}. */
  begin(requestId: string, startedMs: number): Stream {
    const stream = this.#free.pop() ?? this.#newStream(startedMs)
    stream.open = { requestId, startedMs, begun: false }
    return stream
  }

  /** From now on the invocation stands in the log. */
  start(stream: Stream): void {
    const { open } = stream
    if (open === undefined || open.begun) return
    open.begun = true
    this.add(stream, startEntry(open.startedMs, open.requestId), 0)
  }

  add(stream: Stream, entry: Entry, textLength: number): void {
    const bytes = ENTRY_BYTES + textLength
    if (this.#held + bytes > MAX_VERSION_BYTES || this.#laneHeld.bytes + bytes > MAX_LANE_BYTES) {
      stream.dropped++
      return
    }
    this.#held += bytes
    this.#fresh += bytes
    this.#laneHeld.bytes += bytes
    stream.entries.push(entry)
  }

  end(stream: Stream): void {
    stream.open = undefined
    this.#free.push(stream)
  }

  /** Everything until now, to be given to {@link release} when it is kept. */
  take(nowMs: number): Taken {
    const chunks: Chunk[] = []
    const today = dayOf(nowMs)
    let entries = 0
    for (const stream of this.#streams) {
      // Whoever reads sees what runs, and has its START in the order of time.
      this.start(stream)
      if (stream.dropped > 0) stream.entries.push(noticeEntry(nowMs, droppedText(stream.dropped)))
      if (stream.entries.length > 0) {
        entries += stream.entries.length
        chunks.push(this.#chunk(stream))
      }
      stream.entries = []
      stream.dropped = 0
      if (stream.day !== today && stream.open === undefined) {
        this.#streams.delete(stream)
        this.#free.splice(this.#free.indexOf(stream), 1)
      }
    }
    const bytes = this.#fresh
    this.#fresh = 0
    return { chunks, entries, bytes }
  }

  release({ bytes }: Taken): void {
    this.#held -= bytes
    this.#laneHeld.bytes -= bytes
  }

  #newStream(startedMs: number): Stream {
    const id = randomBytes(16).toString('hex')
    const name = logStreamName(startedMs, this.version, id)
    const stream = { name, day: dayOf(startedMs), entries: [], dropped: 0, open: undefined }
    this.#streams.add(stream)
    return stream
  }

  #chunk({ name, entries }: Stream): Chunk {
    const { functionName, version } = this
    const [first, last] = [entries[0]?.[1] ?? 0, entries.at(-1)?.[1] ?? 0]
    return {
      functionName,
      version,
      stream: name,
      firstMs: Math.min(first, last),
      lastMs: Math.max(first, last),
      entries: packEntries(entries),
    }
  }
}

const droppedText = (count: number): string =>
  `${count} lines were dropped here: more was logged than could be kept (${MAX_VERSION_BYTES / 1024 / 1024} MiB of a version may wait in a lane to be written)`

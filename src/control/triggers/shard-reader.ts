import { hash } from 'node:crypto'
import { formatShardId } from '../../functions/stream-arn.ts'
import type { StoredStreamRecord } from '../../store/stream.ts'
import type { StreamOutcome, TakenBatch } from '../lane-protocol.ts'
import { unlessGone } from '../unless-gone.ts'
import { troubleOf } from './trouble.ts'
import { fitting, givenUpRecord, isWantedRecord, MAX_BATCH_BYTES, toStreamRecord } from './stream-batch.ts'
import type { StreamConsumerOptions } from './stream-consumer.ts'
import {
  FIRST_STATE,
  MAX_STATE_BYTES,
  ofFirstWindow,
  readLines,
  toWindow,
  windowStart,
  writeLines,
  type OpenWindow,
} from './stream-window.ts'
import { afterFailure, withoutOld, type StreamWork, type Verdict } from './stream-line.ts'
import type { StreamMapping } from './stream-mapping.ts'

export interface ShardReaderOptions extends StreamConsumerOptions {
  readonly mapping: StreamMapping
  readonly shard: number
  /** All up to this one are done. */
  readonly after: number
  /** `Checkpoint.state` that was kept with it. */
  readonly state: unknown
  /** The shard is closed and all of it is done. */
  readonly ended: () => void
}

/** So long a reader waits that nobody wakes: another host may have written. */
const IDLE_MS = 1_000
/** After a store that failed, or a stream that is gone. */
const PAUSE_MS = 5_000
/** Before a batch that failed is run again; doubled each time. */
const FIRST_DELAY_MS = 200
const MAX_DELAY_MS = 60_000
/** How long a lane may have a batch without a word, longer than any invocation: it has died. */
const LEASE_MS = 16 * 60_000

/** Records whose keys go together: one batch of them runs at a time. */
interface Line {
  /** In order. */
  waiting: StoredStreamRecord[]
  /** In front of those: tried before. */
  again: StreamWork | undefined
  running: { readonly id: string; readonly work: StreamWork; readonly leaseEndsMs: number } | undefined
  /** Nothing runs before: milliseconds since the epoch. */
  notBeforeMs: number
  /** How often in a row something failed or could not be run. */
  setbacks: number
  /** When the first of those that wait was read. */
  sinceMs: number
  /** All records of the line up to this one are done; where there are windows. */
  upTo: number
  window: OpenWindow | undefined
  /** The window's state is too large to be kept: it ends. */
  full: boolean
}

/** Reads one shard for one mapping: in batches, in the order of each key, from the checkpoint on. */
export class ShardReader {
  readonly #options: ShardReaderOptions
  readonly #lines: Line[]
  /** All up to here was read. */
  #read: number
  #saved: number
  #saving: Promise<void> | undefined
  /** A window has changed since the last checkpoint. */
  #unsaved = false
  /** When everything had been read: milliseconds since the epoch. */
  #caughtUpMs = 0
  #closed = false
  #exhausted = false
  /** Something may have come since the last look. */
  #again = false
  #reading: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #trouble: string | undefined
  /** What of it stands in the log. */
  #reported: string | undefined
  /** Resolved when nothing runs any more. */
  readonly #quiet = Promise.withResolvers<void>()
  #stopping: Promise<void> | undefined

  constructor(options: ShardReaderOptions) {
    this.#options = options
    this.#read = options.after
    this.#saved = options.after
    const kept = readLines(options.state, options.mapping.parallel)
    this.#lines = Array.from({ length: options.mapping.parallel }, (_, index) => ({
      upTo: kept?.[index]?.upTo ?? 0,
      window: kept?.[index]?.window,
      full: false,
      waiting: [],
      again: undefined,
      running: undefined,
      notBeforeMs: 0,
      setbacks: 0,
      sinceMs: 0,
    }))
    this.wake()
  }

  /** Why nothing is read; undefined: it is. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** How long the oldest record waits that was read and is not done, milliseconds; 0: there is none. AWS Lambda's `IteratorAge`. */
  get iteratorAgeMs(): number {
    const firsts = this.#lines.flatMap(({ running, again, waiting }) => [running?.work.records[0], again?.records[0], waiting[0]])
    const oldest = Math.min(...firsts.flatMap((record) => (record === undefined ? [] : [record.arrivedMs])))
    return oldest === Infinity ? 0 : Math.max(0, this.#options.now() - oldest)
  }

  /** There may be something to read. */
  wake(): void {
    if (this.#closed) return
    this.#again = true
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined
      this.#arm()
    })
  }

  /** The next batch to be run. */
  take(): TakenBatch | undefined {
    if (this.#closed) return undefined
    const { mapping, shard, uuid, now } = this.#options
    for (const line of this.#lines) {
      if (this.#dueMs(line) > now()) continue
      const work = this.#next(line)
      if (work === undefined) continue
      const id = uuid()
      line.running = { id, work, leaseEndsMs: now() + LEASE_MS }
      // There is room for more.
      this.wake()
      const { name, qualifier, stream, partial, tumblingMs: lengthMs } = mapping
      const window = lengthMs === undefined ? undefined : toWindow(work.records, line.window, { lengthMs, now: now() })
      return {
        kind: 'stream',
        id,
        mapping: mapping.uuid,
        name,
        qualifier,
        partial,
        stream,
        shard: formatShardId(shard),
        records: work.records.map(toStreamRecord),
        ...(window !== undefined && { window }),
      }
    }
    return undefined
  }

  /** What has become of a batch; false: it is none of this shard. */
  async settle(id: string, outcome: StreamOutcome): Promise<boolean> {
    const line = this.#lines.find(({ running }) => running?.id === id)
    if (line?.running === undefined) return false
    const { work } = line.running
    try {
      await this.#settle(line, work, outcome)
    } catch (error) {
      // The destination could not be told: all of it is run again.
      this.#report(String(error))
      line.again = work
      this.#setBack(line)
    }
    line.running = undefined
    await this.#save()
    if (this.#closed && this.#lines.every(({ running }) => running === undefined)) this.#quiet.resolve()
    this.#arm()
    return true
  }

  /** Nothing more is read or run; resolves when what runs has ended, or is abandoned. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** The lanes have ended: what ran there is run again from the checkpoint on. */
  abandon(): void {
    this.#quiet.resolve()
  }

  async #stop(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    if (this.#lines.some(({ running }) => running !== undefined)) await this.#quiet.promise
    await this.#reading
    await this.#saving
  }

  async #readAll(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false
      try {
        while ((await this.#readSome()) && !this.#closed) this.#arm()
        this.#trouble = undefined
        this.#reported = undefined
      } catch (error) {
        // Once, not at each try.
        if (String(error) !== this.#reported) this.#report(String(error))
        this.#reported = String(error)
        this.#trouble = troubleOf(error)
      }
    }
  }

  /** Whether there was something. */
  async #readSome(): Promise<boolean> {
    const { streams, mapping, shard, now, account } = this.#options
    const most = mapping.batchSize * mapping.parallel
    if (this.#exhausted || this.#lines.reduce((sum, { waiting }) => sum + waiting.length, 0) >= most) return false
    const options = { shard, after: this.#read, limit: Math.min(most, 10_000), maxBytes: MAX_BATCH_BYTES * mapping.parallel }
    const readMs = now()
    const { records, ended } = await streams.engine.read(mapping.stream, options)
    if (records.length === 0) this.#caughtUpMs = readMs
    for (const record of records) {
      this.#read = record.sequence
      if (!isWantedRecord(record, mapping, account)) continue
      const line = this.#lines[lineOf(record.key, mapping.parallel)]
      // Done before the checkpoint, which others held back.
      if (line === undefined || record.sequence <= line.upTo) continue
      if (line.waiting.length === 0) line.sinceMs = now()
      line.waiting.push(record)
    }
    this.#exhausted = ended
    await this.#save()
    return records.length > 0
  }

  #next(line: Line): StreamWork | undefined {
    const { mapping } = this.#options
    if (line.again !== undefined) {
      const { again } = line
      line.again = undefined
      return again
    }
    if (this.#ends(line)) return { records: [], attempts: 0 }
    const count = fitting(this.#together(line), mapping.batchSize)
    const records = line.waiting.splice(0, count)
    line.sinceMs = this.#options.now()
    return records.length === 0 ? undefined : { records, attempts: 0 }
  }

  /** What of those that wait may be in one batch. */
  #together({ waiting }: Line): readonly StoredStreamRecord[] {
    const { tumblingMs } = this.#options.mapping
    return tumblingMs === undefined ? waiting : ofFirstWindow(waiting, tumblingMs)
  }

  /** Whether nothing more belongs to the line's window. */
  #ends({ window, waiting: [first], full }: Line): boolean {
    const { tumblingMs } = this.#options.mapping
    if (window === undefined || tumblingMs === undefined) return false
    if (full) return true
    if (first !== undefined) return windowStart(first.arrivedMs, tumblingMs) > window.startMs
    return this.#exhausted || this.#caughtUpMs >= window.startMs + tumblingMs
  }

  /** When a line has a batch to be run; Infinity: not until something happens. */
  #dueMs(line: Line): number {
    const { again, waiting, running, notBeforeMs, sinceMs, window } = line
    if (running !== undefined) return Infinity
    if (again !== undefined || this.#ends(line)) return notBeforeMs
    const { batchSize, windowMs, tumblingMs = 0 } = this.#options.mapping
    const endMs = window === undefined ? Infinity : window.startMs + tumblingMs
    // Then it is looked whether something more of the window has come.
    if (waiting.length === 0) return endMs > this.#options.now() ? endMs : Infinity
    const count = fitting(this.#together(line), batchSize)
    const full = count < waiting.length || count >= batchSize || this.#exhausted
    return full ? notBeforeMs : Math.max(notBeforeMs, Math.min(sinceMs + windowMs, endMs))
  }

  async #settle(line: Line, work: StreamWork, outcome: StreamOutcome): Promise<void> {
    const { policy } = this.#options.mapping
    if (outcome.kind === 'later') {
      this.#setBack(line)
      return await this.#judge(line, withoutOld(work, policy, this.#options.now()), undefined)
    }
    if (outcome.failedFrom === undefined) {
      line.setbacks = 0
      return this.#advance(line, work.records, outcome.state)
    }
    const from = work.records.findIndex(({ sequence }) => String(sequence) === outcome.failedFrom)
    if (from > 0) this.#advance(line, work.records.slice(0, from), outcome.state)
    const verdict = afterFailure(work, outcome.failedFrom, policy)
    if (verdict.givenUp === undefined) this.#setBack(line)
    await this.#judge(line, verdict, outcome.requestId)
    const { again } = line
    line.again = undefined
    if (again !== undefined) await this.#judge(line, withoutOld(again, policy, this.#options.now()), outcome.requestId)
  }

  async #judge(line: Line, { again, later, givenUp }: Verdict, requestId: string | undefined): Promise<void> {
    if (givenUp !== undefined) {
      await this.#giveUp({ ...givenUp, shard: this.#options.shard, requestId })
      this.#advance(line, givenUp.work.records, undefined)
    }
    line.again = again
    line.waiting.unshift(...later)
  }

  /** Records of a window are done; none: the window has ended. */
  #advance(line: Line, records: readonly StoredStreamRecord[], state: string | undefined): void {
    const { tumblingMs } = this.#options.mapping
    if (tumblingMs === undefined) return
    const [first, last] = [records[0], records.at(-1)]
    this.#unsaved = true
    if (first === undefined || last === undefined) {
      line.window = undefined
      line.full = false
      return
    }
    const startMs = line.window?.startMs ?? windowStart(first.arrivedMs, tumblingMs)
    line.window = { startMs, state: state ?? line.window?.state ?? FIRST_STATE }
    line.full = Buffer.byteLength(line.window.state) > MAX_STATE_BYTES
    line.upTo = Math.max(line.upTo, last.sequence)
  }

  async #giveUp(batch: Parameters<typeof givenUpRecord>[0]): Promise<void> {
    const { mapping, account, now, queues, uuid } = this.#options
    const { failed } = mapping
    if (batch.work.records.length === 0) return this.#report('the end of a window is given up, and its state with it')
    if (failed === undefined)
      return this.#report(
        `${batch.work.records.length} records are given up (${batch.why}), and there is no destination for failures`,
      )
    const body = Buffer.from(givenUpRecord(batch, mapping, account, now()))
    const gone = (): void => this.#report(`records that are given up are for the queue ${failed}, which there is not`)
    await queues.send(failed, [{ id: uuid(), body }]).catch(unlessGone(gone))
  }

  #setBack(line: Line): void {
    const delay = Math.min(FIRST_DELAY_MS * 2 ** line.setbacks, MAX_DELAY_MS)
    line.setbacks++
    line.notBeforeMs = this.#options.now() + delay
  }

  /** Writes down how far all lines have come. One after the other; what comes meanwhile is written by the next one. */
  async #save(): Promise<void> {
    if (this.#saving !== undefined) return
    const { streams, mapping, shard, ended } = this.#options
    for (;;) {
      const done = this.#doneUpTo()
      if (done === this.#saved && !this.#unsaved) break
      this.#unsaved = false
      const state = mapping.tumblingMs === undefined ? undefined : writeLines(this.#lines)
      this.#saving = streams.engine.saveCheckpoint(mapping.stream, mapping.uuid, {
        shard,
        sequence: done,
        ...(state !== undefined && { state }),
      })
      try {
        await this.#saving
        this.#saved = done
      } catch (error) {
        // What is not written down is run once more by the next host.
        this.#report(`the checkpoint could not be written: ${String(error)}`)
        this.#unsaved = true
        break
      } finally {
        this.#saving = undefined
      }
    }
    const open = this.#lines.some(({ window }) => window !== undefined)
    if (this.#exhausted && this.#doneUpTo() === this.#read && !open && !this.#closed) {
      this.#closed = true
      ended()
    }
  }

  #doneUpTo(): number {
    let least = this.#read
    for (const { running, again, waiting } of this.#lines)
      for (const first of [running?.work.records[0], again?.records[0], waiting[0]])
        if (first !== undefined) least = Math.min(least, first.sequence - 1)
    return least
  }

  /** Tells lanes of what is due, and comes back for what will be. */
  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#closed) return
    const now = this.#options.now()
    for (const line of this.#lines)
      if (line.running !== undefined && line.running.leaseEndsMs <= now) {
        line.again = line.running.work
        line.running = undefined
      }
    const dueMs = Math.min(...this.#lines.map((line) => this.#dueMs(line)))
    if (dueMs <= now) this.#options.ready()
    const pause = this.#trouble === undefined ? IDLE_MS : PAUSE_MS
    const ms = dueMs <= now ? pause : Math.min(dueMs - now, pause)
    this.#timer = setTimeout(() => this.wake(), ms).unref()
  }

  #report(message: string): void {
    const { observe, now, mapping, shard } = this.#options
    const text = `the stream ${mapping.stream}, ${formatShardId(shard)}, for ${mapping.name}: ${message}`
    observe({ type: 'host', time: now(), level: 'error', message: text })
  }
}

const lineOf = (key: string, lines: number): number =>
  lines === 1 ? 0 : Number.parseInt(hash('md5', key).slice(0, 8), 16) % lines

import { ERROR_KINDS } from '../../errors.ts'
import { billedMs, formatFailure, spentOf, type LoggedSettings, type Spent } from '../lambda-log.ts'
import type { Observer, ReportRecord } from '../records.ts'
import { NOTHING, type Counted, type Counts } from '../usage/counted.ts'
import { packBatch, type Chunk } from './batch.ts'
import { endEntry, failureEntry, lineEntry } from './entry.ts'
import { dayOf } from './names.ts'
import { VersionLog, type Held, type Stream, type Taken } from './version-log.ts'

/** How long what was logged and counted stays in a lane: so much is lost when the host is killed; milliseconds. */
export const FLUSH_MS = 500
/** A version that was not invoked for so long begins new streams; milliseconds. */
const FORGET_MS = 15 * 60_000

/** The version that an invocation runs. */
export interface LoggedVersion {
  /** Of the version alone. */
  readonly key: string
  readonly version: string
  readonly settings: LoggedSettings & { readonly name: string }
}

export interface LaneLogsOptions {
  /** Resolves when the batch is kept. */
  readonly send: (batch: Uint8Array<ArrayBuffer>) => Promise<void>
  /** Hears that something could not be kept. */
  readonly observe: Observer
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

interface Own {
  readonly log: VersionLog
  counts: Counts
  usedMs: number
}

/**
 * The logs and the usage of what runs in a lane. Invocations leave entries in memory, which go to disk together, and none waits for that.
 * What a function writes beyond what may wait is dropped, and its log says how much.
 */
export class LaneLogs {
  readonly #options: LaneLogsOptions
  readonly #held: Held = { bytes: 0 }
  readonly #versions = new Map<string, Own>()
  /** Those with something to hand on. */
  readonly #touched = new Set<Own>()
  readonly #sending = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #failing = false

  constructor(options: LaneLogsOptions) {
    this.#options = options
  }

  /** Begins an invocation; gives what has to hear of its lines and of its end. */
  begin(version: LoggedVersion, requestId: string, startedMs: number): Observer {
    const own = this.#own(version)
    const stream = own.log.begin(requestId, startedMs)
    own.usedMs = startedMs
    this.#touch(own)
    return (record) => {
      if (record.type === 'log') {
        own.log.start(stream)
        own.log.add(stream, lineEntry(record.time, requestId, record.message), record.message.length)
      } else if (record.type === 'report') this.#end(own, stream, record, version.settings)
      this.#touch(own)
    }
  }

  /** Sends what there is, ahead of whatever is sent to the main thread next. */
  send(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const now = this.#options.now()
    const chunks: Chunk[] = []
    const counted: Counted[] = []
    const taken: (readonly [VersionLog, Taken])[] = []
    for (const own of this.#touched) {
      const { functionName, version } = own.log
      const part = own.log.take(now)
      taken.push([own.log, part])
      chunks.push(...part.chunks)
      if (own.counts !== NOTHING) counted.push({ day: dayOf(now), functionName, version, ...own.counts })
      own.counts = NOTHING
      // The START of what runs has just been taken.
      if (!own.log.busy) this.#touched.delete(own)
    }
    this.#forget(now)
    if (this.#touched.size > 0) this.#schedule()
    if (chunks.length === 0 && counted.length === 0) return
    const sent = this.#options
      .send(packBatch({ chunks, counted }))
      .then(
        () => void (this.#failing = false),
        (error: unknown) => this.#failed(error),
      )
      .finally(() => {
        for (const [log, part] of taken) log.release(part)
        this.#sending.delete(sent)
      })
    this.#sending.add(sent)
  }

  /** Sends everything; resolves when it is kept, or could not be. */
  async flush(): Promise<void> {
    this.send()
    await Promise.all(this.#sending)
  }

  #own({ key, version, settings: { name } }: LoggedVersion): Own {
    const known = this.#versions.get(key)
    if (known !== undefined) return known
    const own: Own = { log: new VersionLog(name, version, this.#held), counts: NOTHING, usedMs: 0 }
    this.#versions.set(key, own)
    return own
  }

  #touch(own: Own): void {
    this.#touched.add(own)
    if (this.#timer === undefined) this.#schedule()
  }

  #schedule(): void {
    this.#timer = setTimeout(() => this.send(), FLUSH_MS).unref()
  }

  #end(own: Own, stream: Stream, record: ReportRecord, settings: LoggedSettings): void {
    const { log } = own
    const spent = spentOf(record, settings)
    const ran = record.report !== undefined || record.outcome === 'ok' || ERROR_KINDS[record.outcome].fault === 'guest'
    own.counts = count(own.counts, record, ran ? spent : undefined)
    if (ran || stream.open?.begun === true) {
      log.start(stream)
      const failure = formatFailure(record, settings)
      if (failure !== undefined) log.add(stream, failureEntry(record.time, record.requestId, failure), failure.length)
      log.add(stream, endEntry(record.time, record.requestId, spent), 0)
    }
    log.end(stream)
  }

  #forget(now: number): void {
    for (const [key, { log, usedMs }] of this.#versions) {
      if (!log.busy && now - usedMs > FORGET_MS) this.#versions.delete(key)
    }
  }

  #failed(error: unknown): void {
    const { observe, now } = this.#options
    if (!this.#failing)
      observe({ type: 'host', time: now(), level: 'error', message: `logs could not be kept: ${String(error)}` })
    this.#failing = true
  }
}

/** `spent` undefined: it has not run. */
function count(counts: Counts, { outcome }: ReportRecord, spent: Spent | undefined): Counts {
  const throttles = counts.throttles + (outcome === 'TooManyRequests' ? 1 : 0)
  if (spent === undefined) return throttles === counts.throttles ? counts : { ...counts, throttles }
  const billed = billedMs(spent)
  return {
    requests: counts.requests + 1,
    errors: counts.errors + (outcome === 'ok' || outcome === 'Cancelled' ? 0 : 1),
    throttles,
    billedMs: counts.billedMs + billed,
    billedMbMs: counts.billedMbMs + billed * spent.memoryMb,
    provisionedMbMs: 0,
    fuel: counts.fuel + (spent.engine?.fuelUsed ?? 0),
  }
}

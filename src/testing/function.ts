import { resolve } from 'node:path'
import { AmpouleError } from '../errors.ts'
import { invokeQueue, invokeScheduled, invokeStream, type QueueAnswer, type StreamAnswer } from '../invoke/batch.ts'
import { readQueueBatch, readScheduleTick, readStreamBatch } from '../invoke/batch-input.ts'
import { GuestError } from '../invoke/failure.ts'
import { Invocation } from '../invoke/invocation.ts'
import { invokeValue, type HostedFunction } from '../invoke/invoke.ts'
import { senderOf } from '../invoke/sent.ts'
import { LogFrames } from '../observe/log-frames.ts'
import { SourceMaps } from '../observe/source-map.ts'
import { formatFrame } from '../observe/stack.ts'
import type { LogLine, SentMessage, QueueInput, ScheduleInput, StreamInput, TestedFunction } from './contract.ts'
import { fetchFrom } from './http.ts'

/** A deployed function as tests see it. */
export class SandboxedFunction implements TestedFunction {
  readonly name: string
  readonly #target: HostedFunction
  readonly #folder: string
  readonly #release: () => Promise<void>
  readonly #sourceMaps = new SourceMaps()
  readonly #logFrames = new LogFrames()
  #logs: LogLine[] = []
  readonly #sent: SentMessage[] = []
  #closed: Promise<void> | undefined

  /** `folder`: what the files in its stacks are relative to. */
  constructor(target: HostedFunction, folder: string, release: () => Promise<void>) {
    this.name = target.settings.name
    const { settings } = target
    const send = senderOf(settings, (messages) => Promise.resolve(void this.#sent.push(...messages)))
    this.#target = {
      settings,
      send,
      get runner() {
        return target.runner
      },
    }
    this.#folder = folder
    this.#release = release
  }

  get logs(): readonly LogLine[] {
    return this.#logs
  }

  get sent(): readonly SentMessage[] {
    return this.#sent
  }

  clearLogs(): void {
    this.#logs = []
  }

  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    return this.#run((invocation) => fetchFrom(this.#target, invocation, input, init))
  }

  invoke(payload: unknown = null): Promise<unknown> {
    return this.#run(async (invocation) => (await invokeValue(this.#target, invocation, payload)).answer)
  }

  queue(batch: QueueInput): Promise<QueueAnswer> {
    return this.#run(async (invocation) => {
      const read = readQueueBatch(withoutBytes(batch), invocation.startedMs)
      return (await invokeQueue(this.#target, invocation, read)).answer
    })
  }

  stream(batch: StreamInput): Promise<StreamAnswer> {
    return this.#run(async (invocation) => {
      const read = readStreamBatch(withoutBytes(batch), invocation.startedMs)
      return (await invokeStream(this.#target, invocation, read)).answer
    })
  }

  scheduled(tick: ScheduleInput = {}): Promise<void> {
    return this.#run(async (invocation) => {
      const time = tick.time instanceof Date ? tick.time.getTime() : tick.time
      await invokeScheduled(this.#target, invocation, readScheduleTick({ ...tick, time }, invocation.startedMs))
    })
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#release())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #run<T>(call: (invocation: Invocation) => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw new AmpouleError('InvalidRequest', `function "${this.name}" is closed`)
    const invocation = new Invocation(this.name, {
      observe: (record) => {
        if (record.type !== 'log') return
        const { stream, message, requestId } = record
        this.#logs.push({ stream, message, requestId })
      },
      reports: 'failures',
      now: Date.now,
      sourceMaps: this.#sourceMaps,
      logFrames: this.#logFrames,
    })
    try {
      return await call(invocation)
    } catch (error) {
      if (error instanceof GuestError) this.#pointToAuthor(error)
      throw error
    }
  }

  /** Test runners show the code that the first frame of a stack names: here it should be the function's, not the host's. */
  #pointToAuthor(error: GuestError): void {
    const { frames = [] } = error.details
    if (frames.length === 0) return
    const lines = frames.map((frame) => `    ${formatFrame({ ...frame, file: resolve(this.#folder, frame.file) })}`)
    error.stack = `${error.name}: ${error.message}\n${lines.join('\n')}`
  }
}

/** Batches as JSON would have them, which knows no bytes. */
function withoutBytes(batch: unknown): unknown {
  if (Array.isArray(batch)) return batch.map((item: unknown) => itemWithoutBytes(item))
  if (typeof batch !== 'object' || batch === null) return batch
  return Object.fromEntries(
    Object.entries(batch).map(([key, value]): [string, unknown] => [
      key,
      Array.isArray(value) ? value.map((item: unknown) => itemWithoutBytes(item)) : value,
    ]),
  )
}

function itemWithoutBytes(item: unknown): unknown {
  if (typeof item !== 'object' || item === null) return item
  const { body, data, ...rest }: { body?: unknown; data?: unknown } = item
  const bytes = body ?? data
  return bytes instanceof Uint8Array ? { ...rest, base64: Buffer.from(bytes).toString('base64') } : item
}

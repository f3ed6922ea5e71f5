import type { BatchOutcome, QueueOutcome, Question, StreamOutcome, TakenBatch } from '../../control/lane-protocol.ts'
import type { LaneSupervisor } from '../../engine/contract.ts'
import { Throttled } from '../../engine/failure.ts'
import type { FunctionName } from '../../functions/name.ts'
import { failuresAfter } from '../../invoke/batch-answer.ts'
import { invokeQueue, invokeStream } from '../../invoke/batch.ts'
import { Invocation, type InvocationOptions } from '../../invoke/invocation.ts'
import { toLambdaError } from '../../triggers/invoke.ts'
import type { InFlight } from '../in-flight.ts'
import { hosted, recorded, resolve, type Resolving } from './target.ts'

export interface BatchRunnerOptions extends Resolving {
  readonly supervisor: LaneSupervisor
  readonly inFlight: InFlight
  readonly invocations: InvocationOptions
}

/** Of all sources together: what a lane has is not another's. */
const MAX_RUNNING = 64
/** At once, so that other lanes get theirs. */
const MAX_TAKEN = 8

/** Gives functions the messages of queues and the records of streams in a lane: takes batches as long as there are any. */
export class BatchRunner {
  readonly #options: BatchRunnerOptions
  #running = 0
  #taking = false
  #again = false

  constructor(options: BatchRunnerOptions) {
    this.#options = options
  }

  /** There may be something to take. */
  wake(): void {
    this.#again = true
    if (!this.#taking) void this.#takeAll()
  }

  async #takeAll(): Promise<void> {
    this.#taking = true
    try {
      while (this.#again) {
        this.#again = false
        while (!this.#options.inFlight.draining && this.#running < MAX_RUNNING) {
          const question: Question = { kind: 'take-batches', limit: Math.min(MAX_RUNNING - this.#running, MAX_TAKEN) }
          const batches = (await this.#options.supervisor.ask(question)) as readonly TakenBatch[]
          if (batches.length === 0) break
          this.#running += batches.length
          for (const batch of batches) void this.#run(batch)
        }
      }
    } catch (error) {
      this.#report(`batches could not be taken: ${String(error)}`)
    } finally {
      this.#taking = false
    }
  }

  async #run(batch: TakenBatch): Promise<void> {
    const { id, mapping } = batch
    const release = this.#options.inFlight.hold()
    try {
      const outcome = await this.#attempt(batch)
      await this.#options.supervisor.ask({ kind: 'settle-batch', mapping, id, outcome } satisfies Question)
    } catch (error) {
      // Its messages are received again.
      if (!this.#options.inFlight.draining) this.#report(`the batch ${id} could not be settled: ${String(error)}`)
    } finally {
      release()
      this.#running--
      this.wake()
    }
  }

  async #attempt(batch: TakenBatch): Promise<BatchOutcome> {
    const { inFlight, invocations, logs } = this.#options
    const { name, qualifier, partial } = batch
    let invocation: Invocation | undefined
    try {
      const reference = { name: name as FunctionName, qualifier }
      const { arn, target } = await resolve(reference, this.#options)
      invocation = new Invocation(name, recorded(target, invocations, logs))
      inFlight.enter(invocation)
      const options = { partial, invoked: { version: target.version, arn } }
      if (batch.kind === 'queue') {
        const { answer } = await invokeQueue(hosted(target, this.#options, batch.lineage), invocation, batch, options)
        return { kind: 'done', failures: answer.failures }
      }
      const { answer } = await invokeStream(hosted(target, this.#options), invocation, batch, options)
      const { failedFrom, state } = answer
      return { kind: 'records', failedFrom, state, requestId: invocation.requestId }
    } catch (error) {
      if (error instanceof Throttled) return { kind: 'later' }
      if (invocation === undefined) {
        const { type, message } = toLambdaError(error)
        this.#report(`a batch of ${batch.kind === 'queue' ? batch.queue : batch.stream} is not given to ${name}: ${message}`)
        if (type !== 'ResourceNotFoundException') return { kind: 'later' }
      }
      return failed(batch, error, invocation?.requestId)
    } finally {
      if (invocation !== undefined) inFlight.leave(invocation)
    }
  }

  #report(message: string): void {
    const { observe, now } = this.#options.invocations
    observe({ type: 'host', time: now(), level: 'error', message })
  }
}

function failed(batch: TakenBatch, error: unknown, requestId: string | undefined): QueueOutcome | StreamOutcome {
  if (batch.kind === 'queue') {
    const ids = batch.messages.map(({ id }) => id)
    return { kind: 'done', failures: failuresAfter(error, ids) }
  }
  const ids = batch.records.map(({ id }) => id)
  const failures = new Set(failuresAfter(error, ids).map(({ id }) => id))
  const failedFrom = ids.length === 0 ? '' : ids.find((id) => failures.has(id))
  return { kind: 'records', failedFrom, requestId }
}

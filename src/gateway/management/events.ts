import type { EventOutcome, Question, TakenEvent } from '../../control/lane-protocol.ts'
import type { LaneSupervisor } from '../../engine/contract.ts'
import type { LambdaErrorType } from '../../functions/lambda-error.ts'
import type { FunctionName } from '../../functions/name.ts'
import type { Observer } from '../../observe/records.ts'
import { prepareInvoke, toLambdaError } from '../../triggers/invoke.ts'
import { hosted, recorded, resolve, type Resolving } from './target.ts'
import type { InFlight } from '../in-flight.ts'
import type { InvocationOptions } from '../../invoke/invocation.ts'

export interface EventRunnerOptions extends Resolving {
  readonly supervisor: LaneSupervisor
  readonly inFlight: InFlight
  readonly invocations: InvocationOptions
}

/** What another time does not change. */
const FINAL: ReadonlySet<LambdaErrorType> = new Set([
  'ResourceNotFoundException',
  'InvalidRequestContentException',
  'RequestTooLargeException',
  'InvalidRuntimeException',
])

/** Runs asynchronous invocations in a lane: takes one after the other of those that wait, until there is none. */
export class EventRunner {
  readonly #options: EventRunnerOptions
  #taking = false
  #again = false

  constructor(options: EventRunnerOptions) {
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
        for (;;) {
          if (this.#options.inFlight.draining) return
          const event = (await this.#options.supervisor.ask({ kind: 'take-event' } satisfies Question)) as TakenEvent | undefined
          if (event === undefined) break
          void this.#run(event)
        }
      }
    } catch (error) {
      this.#report(`events could not be taken: ${String(error)}`)
    } finally {
      this.#taking = false
    }
  }

  async #run(event: TakenEvent): Promise<void> {
    const release = this.#options.inFlight.hold()
    try {
      const outcome = await this.#attempt(event)
      await this.#options.supervisor.ask({ kind: 'settle-event', id: event.id, outcome } satisfies Question)
    } catch (error) {
      // The host may be ending: then the event is still on disk, and the next host runs it.
      if (!this.#options.inFlight.draining) this.#report(`the event ${event.id} could not be settled: ${String(error)}`)
    } finally {
      release()
    }
  }

  async #attempt(event: TakenEvent): Promise<EventOutcome> {
    const { inFlight, invocations } = this.#options
    try {
      const reference = { name: event.name as FunctionName, qualifier: event.qualifier }
      const { arn, target } = await resolve(reference, this.#options)
      const { payload, clientContext, requestId, tick } = event
      const request = {
        payload: Buffer.from(payload),
        clientContext,
        requestId,
        tail: false,
        arn,
        target,
        ...(tick !== undefined && { tick }),
      }
      const { invocation, run } = prepareInvoke(request, recorded(target, invocations, this.#options.logs))
      inFlight.enter(invocation)
      try {
        const { payload: answer, functionError } = await run(hosted(target, this.#options, event.lineage))
        const wanted = event.answerWanted || functionError !== undefined
        const attempt = { status: 200, version: target.version, functionError, payload: wanted ? answer : undefined }
        return { kind: 'done', attempt }
      } finally {
        inFlight.leave(invocation)
      }
    } catch (error) {
      const { type, message, status } = toLambdaError(error)
      if (!FINAL.has(type)) return { kind: 'later' }
      this.#report(`the event ${event.requestId} was not run: ${message}`)
      const payload = JSON.stringify({ errorType: type, errorMessage: message })
      return { kind: 'refused', attempt: { status, version: undefined, functionError: 'Unhandled', payload } }
    }
  }

  #report(message: string): void {
    const { observe, now }: { readonly observe: Observer; readonly now: () => number } = this.#options.invocations
    observe({ type: 'host', time: now(), level: 'error', message })
  }
}

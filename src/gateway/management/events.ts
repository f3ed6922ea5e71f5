import type { Question, TakenEvent } from '../../control/lane-protocol.ts'
import type { LaneSupervisor } from '../../engine/contract.ts'
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
    const outcome = await this.#attempt(event)
    // The host may be ending: then the event is still on disk, and the next host runs it.
    const question: Question = { kind: 'settle-event', id: event.id, outcome }
    await this.#options.supervisor.ask(question).catch((error: unknown) => {
      if (!this.#options.inFlight.draining) this.#report(`the event ${event.id} could not be settled: ${String(error)}`)
    })
  }

  async #attempt(event: TakenEvent): Promise<'done' | 'later'> {
    const { inFlight, invocations, runners } = this.#options
    try {
      const reference = { name: event.name as FunctionName, qualifier: event.qualifier }
      const { arn, target } = await resolve(reference, this.#options)
      const { payload, clientContext, requestId } = event
      const request = { payload: Buffer.from(payload), clientContext, requestId, tail: false, arn, target }
      const { invocation, run } = prepareInvoke(request, recorded(target, invocations, this.#options.logs))
      inFlight.enter(invocation)
      try {
        await run(hosted(target, runners))
      } finally {
        inFlight.leave(invocation)
      }
      return 'done'
    } catch (error) {
      const { type, message } = toLambdaError(error)
      if (type === 'ResourceNotFoundException') {
        this.#report(`the event ${event.requestId} was not run: ${message}`)
        return 'done'
      }
      return 'later'
    }
  }

  #report(message: string): void {
    const { observe, now }: { readonly observe: Observer; readonly now: () => number } = this.#options.invocations
    observe({ type: 'host', time: now(), level: 'error', message })
  }
}

import type { Worker } from 'node:worker_threads'
import { fromMessage, type ErrorMessage } from '../errors.ts'
import type { FromLane, ToLane } from './lane-messages.ts'

/** What a lane answers with `done`, and where something is replaced or removed with `released` when nothing stands on that any more. */
export type Request = Extract<ToLane, { readonly id: number }>

interface Pending {
  readonly worker: Worker
  done(error?: ErrorMessage): void
  released(): void
}

export interface Asked {
  /** Rejects with the reason when the lane could not do it. */
  readonly done: Promise<void>
  /** Never rejects. */
  readonly released: Promise<void>
}

/** Requests to lanes that have not been answered in full. */
export class LaneRequests {
  readonly #pending = new Map<number, Pending>()

  ask(worker: Worker, request: Request): Asked {
    const { id, kind } = request
    const done = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    const releases = kind === 'deploy' || kind === 'remove'
    const forget = (): void => {
      this.#pending.delete(id)
      released.resolve()
    }
    this.#pending.set(id, {
      worker,
      done(error) {
        if (error === undefined) done.resolve()
        else done.reject(fromMessage(error))
        if (!releases || error !== undefined) forget()
      },
      released: forget,
    })
    worker.postMessage(request)
    return { done: done.promise, released: released.promise }
  }

  answered(message: Extract<FromLane, { readonly kind: 'done' | 'released' }>): void {
    const pending = this.#pending.get(message.id)
    if (message.kind === 'done') pending?.done(message.error)
    else pending?.released()
  }

  /** A lane that dies is replaced by one that has everything from its start. */
  ended(worker: Worker): void {
    for (const pending of this.#pending.values()) {
      if (pending.worker !== worker) continue
      pending.done()
      pending.released()
    }
  }
}

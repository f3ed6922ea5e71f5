import type { EventQueue } from './events/event-queue.ts'
import type { BatchOutcome, EventOutcome, TakenBatch, TakenEvent } from './lane-protocol.ts'
import type { Triggers } from './triggers/triggers.ts'

interface Had {
  readonly events: Set<string>
  readonly batches: Map<string, TakenBatch>
}

/** As Lambda tells of a runtime that has ended. */
const DIED: EventOutcome = {
  kind: 'done',
  attempt: {
    status: 200,
    version: undefined,
    functionError: 'Unhandled',
    payload: '{"errorType":"Runtime.ExitError","errorMessage":"The lane that ran it has died"}',
  },
}

/**
 * Which lane has which events and batches. When a lane dies they have failed: one of them may be what it has died of, and must not be run by one lane
 * after the other for ever.
 */
export class Taken {
  readonly #sources: { readonly events: EventQueue; readonly triggers: Triggers }
  readonly #had = new Map<number, Had>()
  readonly #dead = new Set<number>()

  constructor(sources: { readonly events: EventQueue; readonly triggers: Triggers }) {
    this.#sources = sources
  }

  async event(lane: number): Promise<TakenEvent | undefined> {
    const event = await this.#sources.events.take()
    if (event === undefined) return undefined
    if (this.#dead.has(lane)) await this.#sources.events.settle(event.id, { kind: 'later' })
    else this.#of(lane).events.add(event.id)
    return event
  }

  settleEvent(lane: number, id: string, outcome: EventOutcome): Promise<void> {
    this.#had.get(lane)?.events.delete(id)
    return this.#sources.events.settle(id, outcome)
  }

  batches(lane: number, limit: number): readonly TakenBatch[] {
    if (this.#dead.has(lane)) return []
    const batches = this.#sources.triggers.take(limit)
    for (const batch of batches) this.#of(lane).batches.set(batch.id, batch)
    return batches
  }

  settleBatch(lane: number, mapping: string, id: string, outcome: BatchOutcome): Promise<void> {
    this.#had.get(lane)?.batches.delete(id)
    return this.#sources.triggers.settle(mapping, id, outcome)
  }

  died(lane: number): void {
    this.#dead.add(lane)
    const had = this.#had.get(lane)
    this.#had.delete(lane)
    for (const id of had?.events ?? []) void this.#sources.events.settle(id, DIED)
    // What cannot be settled comes again when its visibility timeout, or its lease, is over.
    for (const [id, batch] of had?.batches ?? [])
      this.#sources.triggers.settle(batch.mapping, id, failed(batch)).catch(() => undefined)
  }

  #of(lane: number): Had {
    const had = this.#had.get(lane) ?? { events: new Set(), batches: new Map() }
    this.#had.set(lane, had)
    return had
  }
}

const failed = (batch: TakenBatch): BatchOutcome =>
  batch.kind === 'queue'
    ? { kind: 'done', failures: batch.messages.map(({ id }) => ({ id })) }
    : { kind: 'records', failedFrom: batch.records[0]?.id ?? '', requestId: undefined }

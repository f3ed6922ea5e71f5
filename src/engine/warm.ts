import { Packr } from 'msgpackr'

/** The event with which runtimes of our own warm themselves before the snapshot (docs/events.md). */
export function packWarmEvent(): Uint8Array {
  return new Packr({ useRecords: false }).pack({ type: 'warm', id: 'warm', fn: 'warm', deadline: 0 })
}

import { Packr } from 'msgpackr'
import type { EventForm } from '../component/contract.ts'
import { encodeEnvelope } from './envelope.ts'

/** The event with which runtimes of our own warm themselves before the snapshot (docs/events.md). */
export function warmEvents(): Readonly<Record<EventForm, Uint8Array>> {
  const event = { type: 'warm', id: 'warm', fn: 'warm', deadline: 0 }
  return { msgpack: new Packr({ useRecords: false }).pack(event), json: encodeEnvelope(event, null) }
}

/** `node:events`: unenv's EventEmitter, and what it leaves open by jco-std. */
import { completeEvents } from '@bytecodealliance/jco-std/wasi/0.2.x/node/24.x.x/events'
import events from 'unenv/node/events'

const completed = completeEvents(events)

// The module is the class: what is completed belongs to it, too. Some of them are getters, which cannot be assigned.
for (const [name, value] of Object.entries(completed)) {
  Object.defineProperty(events, name, { value, writable: true, configurable: true })
}

export * from 'unenv/node/events'
export const { getMaxListeners, listenerCount, setMaxListeners } = completed

// oxlint-disable-next-line import/no-default-export -- what `require` and a default import give
export default events

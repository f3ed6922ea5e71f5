import type { Runtime } from '../component/runtime-section.ts'

/** Says that the runtime in guest-sdk/runtime is inside. A new version makes every function build anew. */
export const JAVASCRIPT_RUNTIME: Runtime = { name: 'ampoule-javascript', version: '0.2.0', warm: true, events: 'json' }

/** Says that the function was made with guest-sdk/c/ampoule.h. */
export const C_RUNTIME: Runtime = { name: 'ampoule-c', version: '0.1.0', warm: true, events: 'msgpack' }

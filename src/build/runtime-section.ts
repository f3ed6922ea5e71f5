import type { Runtime } from '../component/runtime-section.ts'

/** Says that the runtime in guest-sdk/runtime is inside. A new version makes every function build anew. */
export const JAVASCRIPT_RUNTIME: Runtime = { name: 'ampoule-javascript', version: '0.2.0', warm: true, events: 'json' }

/** Says that the function was made with guest-sdk/c/ampoule.h. */
export const C_RUNTIME: Runtime = { name: 'ampoule-c', version: '0.1.0', warm: true, events: 'msgpack' }

/** Say that the function was made with the binding of that language in guest-sdk. */
export const RUST_RUNTIME: Runtime = { name: 'ampoule-rust', version: '0.1.0', warm: true, events: 'msgpack' }
export const GO_RUNTIME: Runtime = { name: 'ampoule-go', version: '0.1.0', warm: true, events: 'msgpack' }
export const PYTHON_RUNTIME: Runtime = { name: 'ampoule-python', version: '0.1.0', warm: true, events: 'msgpack' }
export const ASSEMBLYSCRIPT_RUNTIME: Runtime = { name: 'ampoule-assemblyscript', version: '0.1.0', warm: true, events: 'msgpack' }

import type { Environment, Platform } from './function.ts'

/** StarlingMonkey: `crypto` reads `wasi:random` at every call, promises and timers are waited for by the engine. */
export const createPlatform = (readEnvironment: () => Environment): Platform => ({
  engine: 'starlingmonkey',
  entropy: () => crypto.getRandomValues(new Uint32Array(4)),
  readEnvironment,
})

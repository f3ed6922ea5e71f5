import type { Environment, Platform } from './function.ts'

/** StarlingMonkey: `crypto` reads `wasi:random` at every call, promises and timers are waited for by the engine. */
export function createPlatform(readEnvironment: () => Environment): Platform {
  const encoder = new TextEncoder()
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })
  return {
    engine: 'starlingmonkey',
    text: {
      fromAscii: (bytes) => decoder.decode(bytes),
      fromUtf8(bytes) {
        try {
          return strict.decode(bytes)
        } catch {
          return undefined
        }
      },
      toUtf8: (text) => encoder.encode(text),
    },
    entropy: () => crypto.getRandomValues(new Uint32Array(4)),
    readEnvironment,
  }
}

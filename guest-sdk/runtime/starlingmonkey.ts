import { createConsole, showErrors } from './console.ts'
import type { Environment, Platform } from './function.ts'
import { Buffer } from './web/buffer.ts'
import { define } from './web/define.ts'
import { offerFiles, type Files } from './directories.ts'
import { fillGaps } from './web/gaps.ts'

/** StarlingMonkey: `crypto` reads `wasi:random` at every call, promises and timers are waited for by the engine. */
export function createPlatform(readEnvironment: () => Environment, getDirectories: Files['getDirectories']): Platform {
  const { console: native } = globalThis
  // The engine's console knows no format and shows errors as constructor calls; what it is given as text it writes as it is.
  define(globalThis, { console: createConsole((stream, line) => (stream === 'stdout' ? native.log(line) : native.error(line))) })
  define(globalThis, { Buffer, global: globalThis })
  showErrors()
  offerFiles({ getDirectories, u64: BigInt })
  fillGaps(globalThis)
  const encoder = new TextEncoder()
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })
  return {
    engine: 'starlingmonkey',
    text: {
      // Bound and not wrapped: one call of the interpreter less.
      fromAscii: decoder.decode.bind(decoder),
      fromUtf8(bytes) {
        try {
          return strict.decode(bytes)
        } catch {
          return undefined
        }
      },
      toUtf8: encoder.encode.bind(encoder),
    },
    entropy: () => crypto.getRandomValues(new Uint32Array(4)),
    readEnvironment,
  }
}

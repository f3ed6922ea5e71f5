import type { FunctionModule, Handlers } from './function.ts'

/** Where handlers begin, each as a line of a stack: for failures without a stack of their own, such as a result of the wrong type. */
export type Places = { -readonly [K in keyof Handlers]?: string | undefined }

const OF_DEFAULT = ['fetch', 'queue', 'stream', 'scheduled'] as const

/** Looks for the text of the module's handlers in the text of its script. Those that others made (bound, native) have no place. */
export function placesIn(script: string, { default: main, handler }: FunctionModule): Places {
  const places: Places = { lambda: placeOf('handler', handler, script) }
  if ((typeof main === 'object' || typeof main === 'function') && main !== null)
    for (const name of OF_DEFAULT) places[name] = placeOf(name, read(main, name), script)
  return places
}

function placeOf(name: string, handler: unknown, script: string): string | undefined {
  if (typeof handler !== 'function') return undefined
  const text = Function.prototype.toString.call(handler)
  const at = script.indexOf(text)
  // What is there twice may be either.
  if (at < 0 || script.includes(text, at + 1)) return undefined
  let line = 1
  let start = 0
  for (let end = script.indexOf('\n'); end >= 0 && end < at; end = script.indexOf('\n', start)) {
    line++
    start = end + 1
  }
  return `${name}@function.js:${line}:${at - start + 1}`
}

function read(object: object, key: string): unknown {
  try {
    return Reflect.get(object, key)
  } catch {
    return undefined
  }
}

/**
 * HTML Standard 2.7: `structuredClone` of what ECMA-262 defines. Own, because the packages go by way of arrays of numbers for bytes
 * and forget buffers that are shared.
 */
import { WebBlob } from './blob.ts'

const dataCloneError = (what: string): DOMException => new DOMException(`${what} could not be cloned.`, 'DataCloneError')

export function structuredClone(value: unknown, options: { readonly transfer?: readonly unknown[] } = {}): unknown {
  const seen = new Map<unknown, unknown>()
  for (const item of options.transfer ?? []) {
    if (!(item instanceof ArrayBuffer)) throw dataCloneError('A value of the transfer list')
    seen.set(item, item.transfer())
  }
  return clone(value, seen)
}

function clone(value: unknown, seen: Map<unknown, unknown>): unknown {
  if (typeof value === 'symbol') throw dataCloneError(String(value))
  if (typeof value === 'function') throw dataCloneError(`The function ${value.name}`)
  if (typeof value !== 'object' || value === null) return value
  if (seen.has(value)) return seen.get(value)
  const copy = emptyCopy(value, seen)
  seen.set(value, copy)
  fill(copy, value, seen)
  return copy
}

/** Without what can refer back to the value. */
function emptyCopy(value: object, seen: Map<unknown, unknown>): object {
  if (Array.isArray(value)) return Object.assign([], { length: value.length })
  if (value instanceof Map) return new Map()
  if (value instanceof Set) return new Set()
  if (value instanceof Date) return new Date(value)
  if (value instanceof RegExp) return new RegExp(value.source, value.flags)
  if (value instanceof ArrayBuffer) return value.slice()
  if (ArrayBuffer.isView(value)) return cloneView(value, seen)
  if (value instanceof Error) return cloneError(value)
  if (value instanceof WebBlob) return value
  if (value instanceof Boolean || value instanceof Number || value instanceof String || value instanceof BigInt) {
    return Object(value.valueOf()) as object
  }
  if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) {
    throw dataCloneError(Object.prototype.toString.call(value))
  }
  return {}
}

function cloneView(view: ArrayBufferView, seen: Map<unknown, unknown>): object {
  const buffer = clone(view.buffer, seen) as ArrayBuffer
  const length = view instanceof DataView ? view.byteLength : (view as Uint8Array).length
  const Constructor = (VIEWS.find((known) => view instanceof known) ?? Uint8Array) as Uint8ArrayConstructor
  return new Constructor(buffer, view.byteOffset, length)
}

const VIEWS = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
]

const ERRORS = [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]

function cloneError(error: Error): Error {
  const Constructor = ERRORS.find((known) => error.name === known.name) ?? Error
  const copy = new Constructor(error.message)
  for (const key of ['stack', 'name'] as const) {
    if (key === 'name' && (error.name === copy.name || Constructor === Error)) continue
    Object.defineProperty(copy, key, { value: error[key], writable: true, configurable: true })
  }
  return copy
}

function fill(copy: object, value: object, seen: Map<unknown, unknown>): void {
  if (copy instanceof Map && value instanceof Map) {
    for (const [key, item] of [...value]) copy.set(clone(key, seen), clone(item, seen))
  } else if (copy instanceof Set && value instanceof Set) for (const item of [...value]) copy.add(clone(item, seen))
  else if (copy instanceof Error && value instanceof Error) {
    if ('cause' in value)
      Object.defineProperty(copy, 'cause', { value: clone(value.cause, seen), writable: true, configurable: true })
  } else if (Array.isArray(copy) || Object.getPrototypeOf(copy) === Object.prototype) {
    for (const key of Object.keys(value)) {
      const item = clone(Reflect.get(value, key), seen)
      Object.defineProperty(copy, key, { value: item, writable: true, configurable: true, enumerable: true })
    }
  }
}

/**
 * What StarlingMonkey leaves out of the interfaces that it has (test/runtime says what it has). Each is added only where it is missing,
 * so that an engine that has learned it is left alone.
 */
import { decodeForm } from './decode-form.ts'
import { define } from './define.ts'
import { deniedFetch } from './deny-fetch.ts'
import { createTextStreams } from './streams.ts'

function add(target: object, values: Readonly<Record<string, unknown>>): void {
  define(target, Object.fromEntries(Object.entries(values).filter(([name]) => !(name in target))))
}

export function fillGaps(target: typeof globalThis): void {
  const { ReadableStream, Response, TransformStream, URL } = target
  add(URL, { canParse: (url: string, base?: string) => tryUrl(url, base) !== null, parse: tryUrl })
  add(target, createTextStreams(TransformStream))
  add(ReadableStream, { from: readableFrom })
  add(ReadableStream.prototype, { values: streamValues })
  if (!(Symbol.asyncIterator in ReadableStream.prototype)) {
    Object.defineProperty(ReadableStream.prototype, Symbol.asyncIterator, {
      value: streamValues,
      writable: true,
      configurable: true,
    })
  }
  if (!('clone' in Response.prototype)) readByRest(Response)
  add(Response.prototype, { clone: cloneResponse })
  add(Response, { error: errorResponse })
  add(target, { WritableStreamDefaultWriter: new target.WritableStream().getWriter().constructor })
  add(target, { setImmediate: (run: () => void, ...args: []) => setTimeout(run, 0, ...args), clearImmediate: clearTimeout })
  define(target.AbortSignal, { abort: abortedSignal, any: anySignal })
  // The engine's own throws nothing.
  define(target.AbortSignal.prototype, {
    throwIfAborted(this: AbortSignal) {
      if (this.aborted) throw this.reason
    },
  })
  for (const { prototype } of [target.Request, Response]) define(prototype, { formData: readForm })
  define(Object.getPrototypeOf(target.crypto) as object, { getRandomValues: checkedRandomValues(target.crypto) })
  define(target.SubtleCrypto.prototype, { importKey: checkedImportKey(target.crypto.subtle) })
  define(target, { fetch: deniedFetch })
}

/** The engine's own asks for a reason. */
function abortedSignal(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): AbortSignal {
  const controller = new AbortController()
  controller.abort(reason)
  return controller.signal
}

/** The engine's own gives a reason that is no value of anybody's. */
function anySignal(signals: Iterable<AbortSignal>): AbortSignal {
  const controller = new AbortController()
  for (const signal of signals) {
    const follow = (): void => controller.abort(signal.reason)
    if (signal.aborted) follow()
    else signal.addEventListener('abort', follow, { once: true })
  }
  return controller.signal
}

/** The engine's own reads files as text, which destroys all that is no UTF-8. */
async function readForm(this: Request | Response): Promise<FormData> {
  const type = this.headers.get('content-type') ?? ''
  return decodeForm(new Uint8Array(await this.arrayBuffer()), type, new FormData(), File)
}

/** With keys of other kinds the engine's library asks for entropy in a way that this build of the engine does not have, and traps. */
function checkedImportKey({ importKey: native }: SubtleCrypto): (...args: unknown[]) => Promise<CryptoKey> {
  return function (this: SubtleCrypto, ...args) {
    const [, , algorithm] = args
    const name = typeof algorithm === 'object' && algorithm !== null && 'name' in algorithm ? algorithm.name : algorithm
    if (String(name).toUpperCase() === 'HMAC') return Reflect.apply(native, this, args) as Promise<CryptoKey>
    return Promise.reject(
      new DOMException(`importKey: keys for ${String(name)} are not supported, only for HMAC`, 'NotSupportedError'),
    )
  }
}

/** The engine does not know the limit of Web Cryptography 10.1.1, and traps beyond it. */
function checkedRandomValues({ getRandomValues: native }: Crypto): (view: ArrayBufferView) => ArrayBufferView {
  return function (this: Crypto, view) {
    if (view.byteLength > MAX_RANDOM_BYTES) {
      throw new DOMException(`getRandomValues: ${view.byteLength} bytes are more than ${MAX_RANDOM_BYTES}`, 'QuotaExceededError')
    }
    return Reflect.apply(native, this, [view]) as ArrayBufferView
  }
}

const MAX_RANDOM_BYTES = 65_536

function tryUrl(url: string, base?: string): URL | null {
  try {
    return new URL(url, base)
  } catch {
    return null
  }
}

function readableFrom(source: Iterable<unknown> | AsyncIterable<unknown>): ReadableStream {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await iterator.next()
        if (done === true) controller.close()
        else controller.enqueue(await value)
      },
      async cancel(reason) {
        await iterator.return?.(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

async function* streamValues(
  this: ReadableStream<unknown>,
  { preventCancel = false }: { preventCancel?: boolean } = {},
): AsyncGenerator<unknown, undefined> {
  const reader = this.getReader()
  let ended = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) {
        ended = true
        return undefined
      }
      yield value
    }
  } finally {
    if (!ended && !preventCancel) await reader.cancel()
    reader.releaseLock()
  }
}

/** The half of a cloned response's body that is still its own. */
const REST = new WeakMap<Response, Response>()

/** The engine has no way to put another body into a Response, so a cloned one reads from a second. */
function cloneResponse(this: Response): Response {
  if (this.bodyUsed) throw new TypeError('the body has been read already, so it cannot be cloned')
  const { status, statusText, headers, body } = this
  if (body === null) return new Response(null, { status, statusText, headers })
  const [one, other] = body.tee()
  REST.set(this, new Response(one))
  return new Response(other, { status, statusText, headers })
}

function readByRest({ prototype }: typeof Response): void {
  for (const name of ['arrayBuffer', 'blob', 'bytes', 'json', 'text'] as const) {
    const native: unknown = Reflect.get(prototype, name)
    if (typeof native !== 'function') continue
    const read = function (this: Response): unknown {
      const result: unknown = Reflect.apply(native, REST.get(this) ?? this, [])
      if (name !== 'blob' || !(result instanceof Promise)) return result
      // The engine's Blob does not know the content type.
      const type = this.headers.get('content-type') ?? ''
      return result.then((blob: Blob) => (blob.type === '' ? blob.slice(0, blob.size, type) : blob))
    }
    define(prototype, { [name]: read })
  }
  for (const name of ['body', 'bodyUsed'] as const) {
    const native = Object.getOwnPropertyDescriptor(prototype, name)?.get
    if (native === undefined) continue
    const get = function (this: Response): unknown {
      return Reflect.apply(native, REST.get(this) ?? this, [])
    }
    Object.defineProperty(prototype, name, { get, configurable: true, enumerable: true })
  }
}

function errorResponse(): Response {
  const response = new Response()
  for (const [name, value] of Object.entries({ status: 0, ok: false, type: 'error' }))
    Object.defineProperty(response, name, { value })
  return response
}

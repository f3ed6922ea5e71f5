/** Fetch Standard 5.4: Request. */
import type { HttpEvent } from '../function.ts'
import { WebAbortController, type WebAbortSignal } from './abort.ts'
import { BODY, cloneBody, extractBody, whole, WithBody, type Body } from './body.ts'
import { define, tag } from './define.ts'
import { headersOf, headersOfList, WebHeaders } from './headers.ts'
import { normalizeUrl, WebURL } from './url.ts'

const STATE = Symbol('state')

interface State {
  method: string
  /** Normalised when it is asked for. */
  url: string
  normalized: boolean
  headers: WebHeaders
  signal: WebAbortSignal | undefined
  options: RequestInit
}

/** Fetch Standard 4.? "normalize a method": these only. */
const UPPER_CASED = /^(?:delete|get|head|options|post|put)$/i
const FORBIDDEN = /^(?:connect|trace|track)$/i
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

const DEFAULTS = {
  cache: 'default',
  credentials: 'same-origin',
  destination: '',
  duplex: 'half',
  integrity: '',
  keepalive: false,
  mode: 'cors',
  redirect: 'follow',
  referrer: 'about:client',
  referrerPolicy: '',
} as const

export class WebRequest extends WithBody {
  declare [STATE]: State

  constructor(input: WebRequest | string | URL, init: RequestInit = {}) {
    super()
    const from = input instanceof WebRequest ? input : undefined
    const state: State =
      from === undefined
        ? { method: 'GET', url: absolute(String(input)), normalized: true, headers: EMPTY, signal: undefined, options: {} }
        : { ...from[STATE] }
    this[STATE] = state
    if (init.method !== undefined) state.method = methodOf(init.method)
    state.headers = new WebHeaders(init.headers ?? from?.headers)
    if (init.signal !== undefined) state.signal = (init.signal as unknown as WebAbortSignal | null) ?? undefined
    if (hasOptions(init)) state.options = { ...state.options, ...init }
    this[BODY] = bodyOf(from, init)
    const type = init.body === undefined || init.body === null ? undefined : this[BODY]?.type
    if (type !== undefined && !state.headers.has('content-type')) state.headers.set('content-type', type)
    if (this[BODY] !== undefined && (state.method === 'GET' || state.method === 'HEAD')) {
      throw new TypeError(`Request: a ${state.method} request has no body`)
    }
  }

  get method(): string {
    return this[STATE].method
  }

  get url(): string {
    const state = this[STATE]
    if (!state.normalized) {
      state.url = normalizeUrl(state.url) ?? state.url
      state.normalized = true
    }
    return state.url
  }

  get headers(): WebHeaders {
    return this[STATE].headers
  }

  /** Made when it is asked for; without one of the author's it never aborts. */
  get signal(): WebAbortSignal {
    return (this[STATE].signal ??= new WebAbortController().signal)
  }

  clone(): WebRequest {
    const copy = Object.create(WebRequest.prototype) as WebRequest
    copy[BODY] = cloneBody(this[BODY])
    copy[STATE] = { ...this[STATE], headers: new WebHeaders(this.headers) }
    return copy
  }
}
tag(WebRequest.prototype, 'Request')

for (const [name, value] of Object.entries(DEFAULTS)) {
  Object.defineProperty(WebRequest.prototype, name, {
    get(this: WebRequest): unknown {
      return Reflect.get(this[STATE].options, name) ?? value
    },
    configurable: true,
    enumerable: true,
  })
}
define(WebRequest.prototype, { constructor: WebRequest })

const EMPTY = new WebHeaders()

/** The request of an event, without the checks that the host has made, and without looking at the URL. */
export function requestOf({ url, method, headers, list, body, text }: HttpEvent): WebRequest {
  const request = Object.create(WebRequest.prototype) as WebRequest
  const content = body ?? text
  request[BODY] = content === undefined ? undefined : whole(content)
  request[STATE] = {
    method,
    url,
    normalized: false,
    headers: list === undefined ? headersOf(headers) : headersOfList(list),
    signal: undefined,
    options: {},
  }
  return request
}

function absolute(text: string): string {
  const url = normalizeUrl(text)
  if (url === undefined) throw new TypeError(`Request: ${JSON.stringify(text)} is not an absolute URL`)
  const at = url.indexOf('@')
  if (at >= 0) {
    const { username, password } = new WebURL(url)
    if (username !== '' || password !== '') throw new TypeError('Request: the URL must not contain a name or a password')
  }
  return url
}

function methodOf(method: unknown): string {
  const text = String(method)
  if (!TOKEN.test(text) || FORBIDDEN.test(text))
    throw new TypeError(`Request: ${JSON.stringify(text)} is not a method that is allowed`)
  return UPPER_CASED.test(text) ? text.toUpperCase() : text
}

const hasOptions = (init: RequestInit): boolean => {
  for (const name of Object.keys(init)) if (Object.hasOwn(DEFAULTS, name)) return true
  return false
}

/** A body of its own goes first; else the other request's is taken over, which is read then. */
function bodyOf(from: WebRequest | undefined, init: RequestInit): Body | undefined {
  if (init.body !== undefined && init.body !== null) return extractBody(init.body)
  const body = from?.[BODY]
  if (body === undefined) return undefined
  if (from?.bodyUsed === true) throw new TypeError('Request: the body of the other request has been read already')
  const taken = { ...body }
  body.used = true
  body.stream = undefined
  return taken
}

/** Fetch Standard 5.5: Response. */
import { BODY, cloneBody, extractBody, takeBody, WithBody } from './body.ts'
import { tag } from './define.ts'
import { flatHeaders, WebHeaders } from './headers.ts'
import { normalizeUrl } from './url.ts'

const STATE = Symbol('state')

interface State {
  status: number
  statusText: string
  headers: WebHeaders
  type: 'default' | 'error'
}

interface Init {
  readonly status?: number
  readonly statusText?: string
  readonly headers?: unknown
}

const hasNoBody = (status: number): boolean =>
  status === 204 || status === 205 || status === 304 || status === 101 || status === 103

export class WebResponse extends WithBody {
  declare [STATE]: State

  constructor(body?: unknown, init: Init = {}) {
    super()
    const status = init.status === undefined ? 200 : Math.trunc(Number(init.status))
    if (!(status >= 200 && status <= 599))
      throw new RangeError(`Response: status ${String(init.status)} is not in the range 200 to 599`)
    const statusText = init.statusText === undefined ? '' : String(init.statusText)
    // oxlint-disable-next-line no-control-regex -- RFC 9112 4: reason-phrase
    if (statusText !== '' && /[^\t\x20-\x7e\x80-\xff]/.test(statusText))
      throw new TypeError('Response: the status text has a character that HTTP does not allow')
    const headers = new WebHeaders(init.headers)
    this[STATE] = { status, statusText, headers, type: 'default' }
    this[BODY] = extractBody(body)
    if (this[BODY] === undefined) return
    if (hasNoBody(status)) throw new TypeError(`Response: an answer with status ${status} has no body`)
    const { type } = this[BODY]
    if (type !== undefined && !headers.has('content-type')) headers.set('content-type', type)
  }

  static json(data: unknown, init: Init = {}): WebResponse {
    const text = JSON.stringify(data)
    if (text === undefined) throw new TypeError('Response.json: the value has no JSON form')
    const response = new WebResponse(text, init)
    const { headers } = response[STATE]
    if (!new WebHeaders(init.headers).has('content-type')) headers.set('content-type', 'application/json')
    return response
  }

  static redirect(url: string | URL, status = 302): WebResponse {
    const location = normalizeUrl(String(url))
    if (location === undefined) throw new TypeError(`Response.redirect: ${JSON.stringify(String(url))} is not an absolute URL`)
    if (![301, 302, 303, 307, 308].includes(status)) throw new RangeError(`Response.redirect: status ${status} is no redirect`)
    return new WebResponse(null, { status, headers: { location } })
  }

  static error(): WebResponse {
    const response = new WebResponse()
    response[STATE] = { ...response[STATE], status: 0, type: 'error' }
    return response
  }

  get status(): number {
    return this[STATE].status
  }

  get ok(): boolean {
    return this[STATE].status >= 200 && this[STATE].status <= 299
  }

  get statusText(): string {
    return this[STATE].statusText
  }

  get headers(): WebHeaders {
    return this[STATE].headers
  }

  get type(): 'default' | 'error' {
    return this[STATE].type
  }

  get url(): string {
    return ''
  }

  get redirected(): boolean {
    return false
  }

  clone(): WebResponse {
    const copy = new WebResponse()
    copy[BODY] = cloneBody(this[BODY])
    copy[STATE] = { ...this[STATE], headers: new WebHeaders(this.headers) }
    return copy
  }
}
tag(WebResponse.prototype, 'Response')

export interface TakenResponse {
  readonly status: number
  /** Names and values by turns. */
  readonly headers: string[]
  readonly body: Uint8Array | string | null
}

/** What goes over the wire, at once unless the body is a stream; undefined when it is no Response. */
export function takeResponse(value: unknown): TakenResponse | Promise<TakenResponse> | undefined {
  if (!(value instanceof WebResponse)) return undefined
  const { status, headers } = value[STATE]
  const list = flatHeaders(headers)
  const body = takeBody(value[BODY])
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) return { status, headers: list, body }
  return body.then((bytes) => ({ status, headers: list, body: bytes }))
}

/**
 * URL Standard 6.1, on whatwg-url's parser. That one looks at each character by several calls, which an interpreter takes a third of a
 * millisecond for; so a URL that is already in its serialised form, as nearly all are, is taken apart by a regular expression.
 */
import machine, { type UrlRecord } from 'whatwg-url/lib/url-state-machine.js'
import { tag } from './define.ts'
import { parseForm, WebURLSearchParams } from './url-search-params.ts'

/**
 * Matches only what the parser would leave as it is. Numbers as last label are IPv4 addresses, `xn--` labels have to be checked, and
 * of what is percent-encoded each part allows less than the standard.
 */
const SERIALISED =
  /^(https?:)\/\/((?:(?!xn--)[a-z0-9-]+\.)*(?!xn--)[a-z][a-z0-9-]*|127\.0\.0\.1)(?::([1-9]\d{1,3}))?(\/[\w!$%&()*+,\-./:;=@~]*)(\?[\w!$%&()*+,\-./:;=?@[\]~]+)?(#[\w!$%&()*+,\-./:;=?@~]+)?$/

/** Path segments that go away. */
const DOTS = /\/(?:\.|%2e){1,2}(?:\/|$)/i

interface Parts {
  readonly protocol: string
  readonly hostname: string
  readonly port: string
  readonly pathname: string
  search: string
  readonly hash: string
}

function takeApart(text: string): Parts | undefined {
  const match = SERIALISED.exec(text)
  if (match === null) return undefined
  const [, protocol = '', hostname = '', port = '', pathname = '', search = '', hash = ''] = match
  if ((port === '80' && protocol === 'http:') || (port === '443' && protocol === 'https:') || DOTS.test(pathname))
    return undefined
  return { protocol, hostname, port, pathname, search, hash }
}

/** The text as `new URL(text).href` has it; undefined when it is no absolute URL. */
export function normalizeUrl(text: string): string | undefined {
  if (takeApart(text) !== undefined) return text
  const record = machine.basicURLParse(text.toWellFormed())
  return record === null ? undefined : machine.serializeURL(record)
}

const HREF = Symbol('href')
const PARTS = Symbol('parts')
const RECORD = Symbol('record')
const PARAMS = Symbol('params')

const toText = (value: unknown): string => (typeof value === 'string' ? value : String(value)).toWellFormed()

export class WebURL {
  /** Kept while nothing but the query has changed. */
  declare [HREF]: string | undefined;
  declare [PARTS]: Parts | undefined;
  declare [RECORD]: UrlRecord | undefined;
  declare [PARAMS]: WebURLSearchParams | undefined

  constructor(input: string | URL, base?: string | URL) {
    this[PARAMS] = undefined
    const text = toText(input)
    const baseText = base === undefined ? undefined : toText(base)
    const whole = baseText === undefined ? text : onSameHost(text, baseText)
    const parts = whole === undefined ? undefined : takeApart(whole)
    if (parts !== undefined) {
      this[HREF] = whole
      this[PARTS] = parts
      this[RECORD] = undefined
      return
    }
    const baseURL =
      baseText === undefined ? undefined : (machine.basicURLParse(baseText) ?? invalid(`Invalid base URL: ${baseText}`))
    this[HREF] = undefined
    this[PARTS] = undefined
    this[RECORD] = machine.basicURLParse(text, { baseURL }) ?? invalid(`Invalid URL: ${text}`)
  }

  static canParse(input: string | URL, base?: string | URL): boolean {
    return WebURL.parse(input, base) !== null
  }

  static parse(input: string | URL, base?: string | URL): WebURL | null {
    try {
      return new WebURL(input, base)
    } catch {
      return null
    }
  }

  get href(): string {
    return (this[HREF] ??= machine.serializeURL(recordOf(this)))
  }

  set href(value: string) {
    const { [RECORD]: record, [PARTS]: parts, [HREF]: href } = new WebURL(value)
    this[RECORD] = record
    this[PARTS] = parts
    this[HREF] = href
    refresh(this)
  }

  get origin(): string {
    const parts = this[PARTS]
    if (parts === undefined) return machine.serializeURLOrigin(recordOf(this))
    return `${parts.protocol}//${hostOf(parts)}`
  }

  get protocol(): string {
    return this[PARTS]?.protocol ?? `${recordOf(this).scheme}:`
  }

  set protocol(value: string) {
    change(this, `${toText(value)}:`, 'scheme start')
  }

  get username(): string {
    return this[PARTS] === undefined ? recordOf(this).username : ''
  }

  set username(value: string) {
    const record = toRecord(this)
    if (!machine.cannotHaveAUsernamePasswordPort(record)) machine.setTheUsername(record, toText(value))
  }

  get password(): string {
    return this[PARTS] === undefined ? recordOf(this).password : ''
  }

  set password(value: string) {
    const record = toRecord(this)
    if (!machine.cannotHaveAUsernamePasswordPort(record)) machine.setThePassword(record, toText(value))
  }

  get host(): string {
    const parts = this[PARTS]
    if (parts !== undefined) return hostOf(parts)
    const { host, port } = recordOf(this)
    if (host === null) return ''
    return port === null ? machine.serializeHost(host) : `${machine.serializeHost(host)}:${port}`
  }

  set host(value: string) {
    if (!machine.hasAnOpaquePath(toRecord(this))) change(this, toText(value), 'host')
  }

  get hostname(): string {
    const parts = this[PARTS]
    if (parts !== undefined) return parts.hostname
    const { host } = recordOf(this)
    return host === null ? '' : machine.serializeHost(host)
  }

  set hostname(value: string) {
    if (!machine.hasAnOpaquePath(toRecord(this))) change(this, toText(value), 'hostname')
  }

  get port(): string {
    const parts = this[PARTS]
    if (parts !== undefined) return parts.port
    const { port } = recordOf(this)
    return port === null ? '' : String(port)
  }

  set port(value: string) {
    const record = toRecord(this)
    if (machine.cannotHaveAUsernamePasswordPort(record)) return
    const text = toText(value)
    if (text === '') record.port = null
    else change(this, text, 'port')
  }

  get pathname(): string {
    return this[PARTS]?.pathname ?? machine.serializePath(recordOf(this))
  }

  set pathname(value: string) {
    const record = toRecord(this)
    if (machine.hasAnOpaquePath(record)) return
    record.path = []
    change(this, toText(value), 'path start')
  }

  get search(): string {
    const parts = this[PARTS]
    if (parts !== undefined) return parts.search
    const { query } = recordOf(this)
    return query === null || query === '' ? '' : `?${query}`
  }

  set search(value: string) {
    const record = toRecord(this)
    const text = toText(value)
    if (text === '') record.query = null
    else {
      record.query = ''
      change(this, text.startsWith('?') ? text.slice(1) : text, 'query')
    }
    refresh(this)
  }

  get searchParams(): WebURLSearchParams {
    if (this[PARAMS] === undefined) {
      const params = new WebURLSearchParams(this.search)
      params.changed = (query) => setQuery(this, query)
      this[PARAMS] = params
    }
    return this[PARAMS]
  }

  get hash(): string {
    const parts = this[PARTS]
    if (parts !== undefined) return parts.hash
    const { fragment } = recordOf(this)
    return fragment === null || fragment === '' ? '' : `#${fragment}`
  }

  set hash(value: string) {
    const record = toRecord(this)
    const text = toText(value)
    if (text === '') record.fragment = null
    else {
      record.fragment = ''
      change(this, text.startsWith('#') ? text.slice(1) : text, 'fragment')
    }
  }

  toString(): string {
    return this.href
  }

  toJSON(): string {
    return this.href
  }
}
tag(WebURL.prototype, 'URL')

/** What a path or an absolute URL on top of a simple base is as a whole; undefined when only the parser knows. */
function onSameHost(text: string, base: string): string | undefined {
  const parts = takeApart(base)
  if (parts === undefined) return undefined
  if (!text.startsWith('/') || text.startsWith('//')) return text
  return `${parts.protocol}//${hostOf(parts)}${text}`
}

const hostOf = ({ hostname, port }: Parts): string => (port === '' ? hostname : `${hostname}:${port}`)

function invalid(message: string): never {
  throw new TypeError(message)
}

function recordOf(url: WebURL): UrlRecord {
  return url[RECORD] ?? toRecord(url)
}

/** From here on the parser's record is the truth, and will be changed. */
function toRecord(url: WebURL): UrlRecord {
  const record = url[RECORD] ?? machine.basicURLParse(url.href)
  if (record === null) throw new TypeError(`Invalid URL: ${url.href}`)
  url[RECORD] = record
  url[PARTS] = undefined
  url[HREF] = undefined
  return record
}

/** A setter: what the parser does not accept changes nothing. */
function change(url: WebURL, text: string, stateOverride: string): void {
  machine.basicURLParse(text, { url: toRecord(url), stateOverride })
}

/** The query has changed: the parameters that somebody may hold follow. */
function refresh(url: WebURL): void {
  const params = url[PARAMS]
  if (params !== undefined) params.list = parseForm(url.search.slice(1))
}

/** The parameters have changed. Their serialised form needs no parser. */
function setQuery(url: WebURL, query: string): void {
  const parts = url[PARTS]
  if (parts === undefined) {
    toRecord(url).query = query === '' ? null : query
    return
  }
  parts.search = query === '' ? '' : `?${query}`
  url[HREF] = `${parts.protocol}//${hostOf(parts)}${parts.pathname}${parts.search}${parts.hash}`
}

/** Fetch Standard 5.1: headers. Own, because every request and every answer passes through it: names point at joined values in one record. */
import { tag } from './define.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const SPACE_AROUND = /^[\t\n\r ]+|[\t\n\r ]+$/g
// oxlint-disable-next-line no-control-regex -- the standard's words
const NOT_IN_VALUE = /[\0\n\r]|[^\0-\xff]/

/** Names in lower case; values of one name joined. Without a prototype, so that no name means anything. */
type Record = { [name: string]: string }

/** What most headers are called and say, so that no expression has to walk over it: in an interpreter that is dearer than the rest. */
const NAMES: ReadonlySet<string> = new Set([
  'accept',
  'authorization',
  'cache-control',
  'content-length',
  'content-type',
  'cookie',
  'etag',
  'host',
  'location',
  'set-cookie',
  'user-agent',
  'vary',
])
const CONTENTS: ReadonlySet<string> = new Set([
  'application/json',
  'no-store',
  'text/html; charset=utf-8',
  'text/html;charset=UTF-8',
  'text/plain',
  'text/plain; charset=UTF-8',
  'text/plain;charset=UTF-8',
])

const VALUES = Symbol('values')
const COOKIES = Symbol('cookies')

export class WebHeaders {
  declare [VALUES]: Record;
  /** `set-cookie`, whose values cannot be joined. */
  declare [COOKIES]: string[] | undefined

  constructor(init?: unknown) {
    this[VALUES] = Object.create(null) as Record
    this[COOKIES] = undefined
    if (init !== undefined) fill(this, init)
  }

  get(name: string): string | null {
    const key = nameOf(name)
    if (key === 'set-cookie') return this[COOKIES]?.join(', ') ?? null
    return this[VALUES][key] ?? null
  }

  has(name: string): boolean {
    const key = nameOf(name)
    return key === 'set-cookie' ? this[COOKIES] !== undefined : this[VALUES][key] !== undefined
  }

  getSetCookie(): string[] {
    return [...(this[COOKIES] ?? [])]
  }

  set(name: string, value: string): void {
    const key = nameOf(name)
    const text = valueOf(key, value)
    if (key === 'set-cookie') this[COOKIES] = [text]
    else this[VALUES][key] = text
  }

  append(name: string, value: string): void {
    const key = nameOf(name)
    appendChecked(this, key, valueOf(key, value))
  }

  delete(name: string): void {
    const key = nameOf(name)
    if (key === 'set-cookie') this[COOKIES] = undefined
    else delete this[VALUES][key]
  }

  forEach(callback: (value: string, name: string, headers: WebHeaders) => void, self?: unknown): void {
    for (const [name, value] of listHeaders(this)) Reflect.apply(callback, self, [value, name, this])
  }

  entries(): ArrayIterator<[string, string]> {
    return listHeaders(this).values()
  }

  keys(): ArrayIterator<string> {
    return listHeaders(this)
      .map(([name]) => name)
      .values()
  }

  values(): ArrayIterator<string> {
    return listHeaders(this)
      .map(([, value]) => value)
      .values()
  }

  [Symbol.iterator](): ArrayIterator<[string, string]> {
    return this.entries()
  }
}
tag(WebHeaders.prototype, 'Headers')

/** Sorted by name, each cookie a pair of its own (Fetch Standard: sort and combine). */
export function listHeaders(headers: WebHeaders): [string, string][] {
  const names = Object.keys(headers[VALUES])
  const cookies = headers[COOKIES]
  if (cookies !== undefined) names.push('set-cookie')
  if (names.length > 1) names.sort()
  const list: [string, string][] = []
  for (let i = 0; i < names.length; i++) {
    const name = names[i] ?? ''
    if (name !== 'set-cookie') list.push([name, headers[VALUES][name] ?? ''])
    else for (const cookie of cookies ?? []) list.push([name, cookie])
  }
  return list
}

/** For an answer, whose order says nothing: names and values by turns, neither sorted nor paired. */
export function flatHeaders(headers: WebHeaders): string[] {
  const values = headers[VALUES]
  const names = Object.keys(values)
  const list: string[] = []
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    list.push(name, values[name]!)
  }
  const cookies = headers[COOKIES]
  if (cookies !== undefined) for (let i = 0; i < cookies.length; i++) list.push('set-cookie', cookies[i]!)
  return list
}

/** Takes the record over: names in lower case, values checked by the host. */
export function headersOf(record: Readonly<Record>): WebHeaders {
  const headers = new WebHeaders()
  headers[VALUES] = Object.setPrototypeOf(record, null) as Record
  return headers
}

/** Every header as it came, in lower case, checked by the host: to look at each character again would cost more than the whole request. */
export function headersOfList(list: readonly (readonly [name: string, value: string])[]): WebHeaders {
  const headers = new WebHeaders()
  for (let i = 0; i < list.length; i++) {
    const header = list[i]!
    appendChecked(headers, header[0], header[1])
  }
  return headers
}

function appendChecked(headers: WebHeaders, key: string, text: string): void {
  if (key === 'set-cookie') {
    if (headers[COOKIES] === undefined) headers[COOKIES] = [text]
    else headers[COOKIES].push(text)
    return
  }
  const values = headers[VALUES]
  const before = values[key]
  // RFC 9113 8.2.3: a client may send each cookie on its own.
  values[key] = before === undefined ? text : `${before}${key === 'cookie' ? '; ' : ', '}${text}`
}

function fill(headers: WebHeaders, init: unknown): void {
  if (init instanceof WebHeaders) {
    Object.assign(headers[VALUES], init[VALUES])
    headers[COOKIES] = init[COOKIES]?.slice()
    return
  }
  if (typeof init !== 'object' || init === null) throw new TypeError('Headers: the argument is neither a list nor a record')
  if (Symbol.iterator in init) {
    for (const pair of init as Iterable<unknown>) {
      const list = Array.isArray(pair) ? (pair as unknown[]) : [...(pair as Iterable<unknown>)]
      if (list.length !== 2) throw new TypeError('Headers: each item must be a pair of name and value')
      headers.append(String(list[0]), String(list[1]))
    }
    return
  }
  const names = Object.keys(init)
  for (let i = 0; i < names.length; i++) {
    const name = names[i] ?? ''
    headers.append(name, String((init as Record)[name]))
  }
}

function nameOf(name: unknown): string {
  const text = typeof name === 'string' ? name : String(name)
  if (NAMES.has(text)) return text
  if (!TOKEN.test(text)) throw new TypeError(`Headers: ${JSON.stringify(text)} is not a header name`)
  return text.toLowerCase()
}

function valueOf(name: string, value: unknown): string {
  if (typeof value === 'string' && CONTENTS.has(value)) return value
  const text = (typeof value === 'string' ? value : String(value)).replace(SPACE_AROUND, '')
  if (NOT_IN_VALUE.test(text)) throw new TypeError(`Headers: the value of ${name} has a line end or a character above U+00FF`)
  return text
}

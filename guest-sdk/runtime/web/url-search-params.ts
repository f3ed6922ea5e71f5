/** URL Standard 6.2 and 5: `application/x-www-form-urlencoded`. Own, because the percent-coding of the engine is native. */
import { utf8DecodeLossy } from '../bytes.ts'
import { tag } from './define.ts'

type Pair = [name: string, value: string]

const toText = (value: unknown): string => (typeof value === 'string' ? value : String(value)).toWellFormed()

export function parseForm(text: string): Pair[] {
  const list: Pair[] = []
  if (text === '') return list
  const items = text.split('&')
  for (let i = 0; i < items.length; i++) {
    const item = items[i] ?? ''
    if (item === '') continue
    const at = item.indexOf('=')
    list.push(at < 0 ? [decode(item), ''] : [decode(item.slice(0, at)), decode(item.slice(at + 1))])
  }
  return list
}

export function serializeForm(list: readonly Pair[]): string {
  let text = ''
  for (let i = 0; i < list.length; i++) {
    const [name, value] = list[i] ?? ['', '']
    text += `${i === 0 ? '' : '&'}${encode(name)}=${encode(value)}`
  }
  return text
}

/** `encodeURIComponent` leaves these as they are; the form's rules do not. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/%20|[!'()~]/g, (found) =>
    found === '%20' ? '+' : `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  )

function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return decodeBroken(spaced)
  }
}

/** Escapes that are no UTF-8, and percent signs that are no escapes. */
function decodeBroken(text: string): string {
  const bytes = unescape(encodeURIComponent(text)).replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
  return utf8DecodeLossy(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)))
}

export class WebURLSearchParams {
  declare list: Pair[]
  /** The URL that these are the query of. */
  declare changed: ((query: string) => void) | undefined

  constructor(init?: unknown) {
    Object.defineProperty(this, 'list', { value: listOf(init), writable: true })
    Object.defineProperty(this, 'changed', { value: undefined, writable: true })
  }

  get size(): number {
    return this.list.length
  }

  get(name: string): string | null {
    const key = toText(name)
    return this.list.find(([other]) => other === key)?.[1] ?? null
  }

  getAll(name: string): string[] {
    const key = toText(name)
    return this.list.filter(([other]) => other === key).map(([, value]) => value)
  }

  has(name: string, value?: string): boolean {
    return this.list.some(matches(name, value))
  }

  append(name: string, value: string): void {
    this.list.push([toText(name), toText(value)])
    update(this)
  }

  set(name: string, value: string): void {
    const key = toText(name)
    const text = toText(value)
    const at = this.list.findIndex(([other]) => other === key)
    if (at < 0) this.list.push([key, text])
    else this.list = this.list.filter(([other], i) => i <= at || other !== key).with(at, [key, text])
    update(this)
  }

  delete(name: string, value?: string): void {
    const found = matches(name, value)
    this.list = this.list.filter((pair) => !found(pair))
    update(this)
  }

  sort(): void {
    // By code units, which is how JavaScript compares strings.
    this.list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    update(this)
  }

  forEach(callback: (value: string, name: string, params: WebURLSearchParams) => void, self?: unknown): void {
    for (const [name, value] of this) Reflect.apply(callback, self, [value, name, this])
  }

  /** Live, as the standard has it: what is added meanwhile comes, too. */
  *entries(): Generator<Pair, undefined, undefined> {
    for (let i = 0; i < this.list.length; i++) yield [...(this.list[i] ?? ['', ''])]
  }

  *keys(): Generator<string, undefined, undefined> {
    for (const [name] of this) yield name
  }

  *values(): Generator<string, undefined, undefined> {
    for (const [, value] of this) yield value
  }

  [Symbol.iterator](): Generator<Pair, undefined, undefined> {
    return this.entries()
  }

  toString(): string {
    return serializeForm(this.list)
  }
}
tag(WebURLSearchParams.prototype, 'URLSearchParams')

const matches =
  (name: string, value?: string) =>
  ([otherName, otherValue]: Pair): boolean =>
    otherName === toText(name) && (value === undefined || otherValue === toText(value))

const update = (params: WebURLSearchParams): void => params.changed?.(serializeForm(params.list))

function listOf(init: unknown): Pair[] {
  if (init === undefined) return []
  if (typeof init !== 'object' || init === null) {
    const text = toText(init)
    return parseForm(text.startsWith('?') ? text.slice(1) : text)
  }
  if (!(Symbol.iterator in init)) return Object.entries(init).map(([name, value]) => [toText(name), toText(value)])
  return Array.from(init as Iterable<Iterable<unknown>>, (item) => {
    const pair = [...item]
    if (pair.length !== 2) throw new TypeError('URLSearchParams: each item must be a pair of name and value')
    return [toText(pair[0]), toText(pair[1])]
  })
}

import { Kind, Resource } from '../handles.ts'
import type { Host } from '../host.ts'
import type { Describer, SavedResource } from '../state.ts'
import { trap } from '../trap.ts'

/** wasi:http/types header-error, by its discriminants. */
export const HEADER_ERRORS = { 'invalid-syntax': 0, forbidden: 1, immutable: 2 } as const
export type HeaderError = keyof typeof HEADER_ERRORS

/** A header: the name in lower case, the value as one character per byte. */
export type Field = readonly [name: string, value: string]

/** What belongs to the connection and not to the message; the host sets it itself (the same set as wasmtime's). */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'host',
  'http2-settings',
])

/** Bytes charged per field beside name and value. */
const FIELD_BYTES = 96

/** Fields of one message, and their bytes: lookups walk them all, so they are bounded (Node stops at 2,000 headers). */
export const MAX_FIELDS = 2048
export const MAX_FIELDS_BYTES = 256 * 1024

export const FIELDS: Kind<Fields> = new Kind('fields')

/** The headers of one message, in order. Charged to the account. */
export class FieldList {
  #entries: Field[] = []
  #bytes = 0
  #held = 0

  get entries(): readonly Field[] {
    return this.#entries
  }

  /** Bytes of names and values with `: ` and line ends, as they would be sent in HTTP/1.1. */
  get size(): number {
    let size = 0
    for (const [name, value] of this.#entries) size += name.length + value.length + 4
    return size
  }

  values(name: string): string[] {
    const values: string[] = []
    for (const entry of this.#entries) if (entry[0] === name) values.push(entry[1])
    return values
  }

  append(name: string, value: string, host: Host): void {
    const bytes = FIELD_BYTES + name.length + value.length
    if (this.#entries.length >= MAX_FIELDS) trap(`more than ${MAX_FIELDS} header fields`)
    if (this.#bytes + name.length + value.length > MAX_FIELDS_BYTES) trap(`more than ${MAX_FIELDS_BYTES} bytes of header fields`)
    this.#bytes += name.length + value.length
    host.account.hold(bytes, 'header fields')
    this.#held += bytes
    this.#entries.push([name, value])
  }

  delete(name: string, host: Host): void {
    const kept = this.#entries.filter((entry) => entry[0] !== name)
    let bytes = 0
    for (const entry of this.#entries) if (entry[0] === name) bytes += FIELD_BYTES + entry[0].length + entry[1].length
    this.#bytes -= bytes - (this.#entries.length - kept.length) * FIELD_BYTES
    this.#entries = kept
    this.#held -= bytes
    host.account.release(bytes)
  }

  release(host: Host): void {
    host.account.release(this.#held)
    this.#held = 0
  }
}

/** wasi:http/types fields: a list of its own, or (with a parent) an immutable look at a message's. */
export class Fields extends Resource {
  override readonly kind = FIELDS
  readonly list: FieldList
  readonly immutable: boolean
  readonly #host: Host

  constructor(list: FieldList, immutable: boolean, host: Host) {
    super()
    this.list = list
    this.immutable = immutable
    this.#host = host
  }

  override close(): void {
    if (!this.immutable) this.list.release(this.#host)
  }

  override describe(describer: Describer): SavedResource {
    const parent = this.parent === undefined ? null : describer.handle(this.parent)
    return { type: 'fields', entries: [...this.list.entries], immutable: this.immutable, parent }
  }
}

const TOKEN_MARKS = "!#$%&'*+-.^_`|~"
/** 1 for RFC 9110 token characters. */
const TOKEN = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code)
  return /[A-Za-z0-9]/.test(character) || TOKEN_MARKS.includes(character) ? 1 : 0
})

/** The name in lower case, or undefined when it is no token. */
export function parseName(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return undefined
  for (let index = 0; index < bytes.length; index++) if (TOKEN[bytes[index] ?? 0] === 0) return undefined
  return toText(bytes).toLowerCase()
}

/** The value with one character per byte, or undefined when it holds what RFC 9110 (and safety) forbids: controls, CR, LF, NUL, DEL. */
export function parseValue(bytes: Uint8Array): string | undefined {
  for (let index = 0; index < bytes.length; index++) {
    const code = bytes[index] ?? 0
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return undefined
  }
  return toText(bytes)
}

/** Bytes that one call makes a string of. */
const TEXT_BLOCK = 4096

/** One character per byte, in few pieces: a string built character by character takes many times its size. */
function toText(bytes: Uint8Array): string {
  if (bytes.length <= TEXT_BLOCK) return String.fromCharCode(...bytes)
  let text = ''
  for (let start = 0; start < bytes.length; start += TEXT_BLOCK) {
    text += String.fromCharCode(...bytes.subarray(start, start + TEXT_BLOCK))
  }
  return text
}

export function isForbidden(name: string): boolean {
  return FORBIDDEN.has(name)
}

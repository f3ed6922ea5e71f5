/** The exchange of docs/events.md: an HTTP request that the host has taken apart, and its answer, as strings and bytes. */
import type { HttpAnswer, HttpEvent } from './function.ts'

export type Answer = [strings: string[], bytes: Uint8Array]

/** What it throws is an envelope, as with `handle`. */
export type Exchange = (head: string, text: string, bytes: Uint8Array) => Answer

const NOTHING = new Uint8Array()

/** Lines of the head; those from HEADERS on are names and values by turns. */
const ID = 0
const FN = 1
const DEADLINE = 2
const NOW = 3
const TIME = 4
const METHOD = 5
const URL = 6
const HOST = 7
const PATH = 8
const QUERY = 9
const PARAMETERS = 10
const COOKIES = 11
const LIST = 12
const BODY = 13
const HEADERS = 14

/** Reads what a handler asks for, when it asks: neither form of function needs all of it. */
export class ExchangedEvent implements HttpEvent {
  declare readonly lines: readonly string[]
  declare readonly text: string | undefined
  declare readonly body: Uint8Array | null

  constructor(head: string, text: string, bytes: Uint8Array) {
    const lines = head.split('\n')
    this.lines = lines
    this.text = lines[BODY] === 'text' ? text : undefined
    this.body = lines[BODY] === 'bytes' ? bytes : null
  }

  get type(): 'http' {
    return 'http'
  }

  get id(): string {
    return this.lines[ID]!
  }

  get fn(): string {
    return this.lines[FN]!
  }

  get deadline(): number {
    return Number(this.lines[DEADLINE])
  }

  get now(): number {
    return Number(this.lines[NOW])
  }

  get time(): string {
    return this.lines[TIME]!
  }

  get method(): string {
    return this.lines[METHOD]!
  }

  get url(): string {
    return this.lines[URL]!
  }

  get host(): string {
    return this.lines[HOST]!
  }

  get path(): string {
    return this.lines[PATH]!
  }

  get query(): string {
    return this.lines[QUERY]!
  }

  get parameters(): Record<string, string> | undefined {
    return parse(this.lines[PARAMETERS]!) as Record<string, string> | undefined
  }

  get cookies(): string[] | undefined {
    return parse(this.lines[COOKIES]!) as string[] | undefined
  }

  get list(): [string, string][] | undefined {
    return parse(this.lines[LIST]!) as [string, string][] | undefined
  }

  get headers(): Record<string, string> {
    const { lines } = this
    const headers: Record<string, string> = {}
    for (let i = HEADERS; i < lines.length; i += 2) headers[lines[i]!] = lines[i + 1]!
    return headers
  }
}

const parse = (json: string): unknown => (json === '' ? undefined : JSON.parse(json))

/** Status, names and values by turns, and the body where it is text. Takes the answer over. */
export function toAnswer({ status, headers, body }: HttpAnswer): Answer {
  headers.unshift(String(status))
  if (body === null) return [headers, NOTHING]
  if (typeof body !== 'string') return [headers, body]
  headers.push(body)
  return [headers, NOTHING]
}

import { SENT_HEADER } from '../invoke/sent.ts'
import { isUtf8 } from 'node:buffer'
import type { ExchangeAnswer, ExchangeRequest } from '../engine/contract.ts'
import { MalformedMessage } from '../invoke/message.ts'
import { sortHeaders, splitUrl, type HttpAnswer, type HttpEvent } from './http-event.ts'
import { responseHead, type Header } from './http-headers.ts'

const NOTHING = new Uint8Array()

/**
 * A request for a function's `exchange` (docs/events.md): the head has a line for each of its parts, and bodies that are UTF-8 go as text.
 * undefined for what cannot be written so, because a line end is in a line,
 * or because a guest would have to look at the name of every header.
 */
export function encodeExchange(event: HttpEvent, now: number): ExchangeRequest | undefined {
  const { id, functionName, deadlineMs, method, url, body } = event
  const { host, path, query, parameters } = splitUrl(url)
  const { headers, cookies, list } = sortHeaders(event.headers)
  const isText = body !== null && isUtf8(body)
  const lines = [
    id,
    functionName,
    String(deadlineMs),
    String(now),
    new Date(now).toISOString(),
    method,
    url,
    host,
    path,
    query,
    json(parameters),
    json(cookies),
    json(list),
    body === null ? '' : isText ? 'text' : 'bytes',
  ]
  for (const name in headers) {
    if (name === '__proto__') return undefined
    lines.push(name, headers[name] ?? '')
  }
  const head = lines.join('\n')
  if (countLines(head) !== lines.length) return undefined
  return { head: Buffer.from(head), text: isText ? body : NOTHING, bytes: body === null || isText ? NOTHING : body }
}

/** Without a line end. */
const json = (value: unknown): string => (value === undefined ? '' : JSON.stringify(value))

function countLines(text: string): number {
  let count = 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}

const STATUS = /^[1-9]\d\d$/

/** Throws `MalformedMessage` when it is not what docs/events.md says, `InvalidResponse` when HTTP does not allow it. */
export function decodeExchange({ strings, bytes }: ExchangeAnswer & { readonly ok: true }): HttpAnswer {
  const status = strings[0]?.toString('latin1') ?? ''
  if (!STATUS.test(status)) throw new MalformedMessage('the first string is no status')
  const headers: Header[] = []
  // What is no UTF-8 gets characters that no header may hold.
  for (let i = 1; i + 1 < strings.length; i += 2) {
    const name = strings[i]!.toString()
    if (name !== SENT_HEADER) headers.push([name, strings[i + 1]!.toString()])
  }
  const text = strings.length % 2 === 0 ? strings.at(-1) : undefined
  if (text !== undefined && bytes.length > 0) throw new MalformedMessage('there are two bodies')
  return { head: responseHead(Number(status), headers), body: text ?? (bytes.length === 0 ? null : bytes) }
}

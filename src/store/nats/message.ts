import { headers, type MsgHdrs } from '@nats-io/transport-node'
import { uuidOf } from '../../uuid.ts'
import type { PeekedMessage } from '../queue.ts'

/** What goes along with a message. A message without, which somebody has published past Ampoule, is one, too. */
const ID = 'Ampoule-Id'
const ATTRIBUTES = 'Ampoule-Attributes'
/** Of a message that was moved: when it was sent, and from where it came. */
const SENT = 'Ampoule-Sent'
const SOURCE = 'Ampoule-Source'
/** NATS: a second message with the same, within the stream's window, is thrown away. */
const KEY = 'Nats-Msg-Id'

export interface Outgoing {
  readonly id: string
  readonly attributes: Readonly<Record<string, unknown>> | undefined
  readonly sentMs?: number
  readonly source?: string
  /** Which of several copies only one is kept of. */
  readonly key?: string
}

export function headersOf({ id, attributes, sentMs, source, key }: Outgoing): MsgHdrs {
  const found = headers()
  found.set(ID, id)
  if (attributes !== undefined) found.set(ATTRIBUTES, asciiJson(attributes))
  if (sentMs !== undefined) found.set(SENT, String(sentMs))
  if (source !== undefined) found.set(SOURCE, source)
  if (key !== undefined) found.set(KEY, key)
  return found
}

/** Bytes on the wire. */
export function sizeOf(headers: MsgHdrs): number {
  let bytes = 'NATS/1.0\r\n\r\n'.length
  for (const [name, values] of headers) for (const value of values) bytes += name.length + value.length + ': \r\n'.length
  return bytes
}

/** What a stored message says. `place`: of it in the stream. */
export function readMessage(
  { headers: found, data }: { readonly headers?: MsgHdrs | undefined; readonly data: Uint8Array },
  {
    stream,
    sequence,
    storedMs,
    receives,
  }: { readonly stream: string; readonly sequence: number; readonly storedMs: number; readonly receives: number },
): PeekedMessage {
  const text = (name: string): string | undefined => (found?.has(name) === true ? found.get(name) : undefined)
  return {
    id: text(ID) ?? uuidOf(`${stream}\n${sequence}\n${storedMs}`),
    sequence,
    body: data,
    attributes: readAttributes(text(ATTRIBUTES)),
    group: undefined,
    deduplication: undefined,
    sentMs: Number(text(SENT) ?? storedMs) || storedMs,
    receives,
    source: text(SOURCE),
  }
}

/** Where a message is in its stream. */
export interface Place {
  readonly sequence: number
  /** Milliseconds since the epoch. */
  readonly storedMs: number
}

/** Where, and how often, a message was delivered. */
export interface Delivery extends Place {
  readonly subject: string
  readonly receives: number
}

/** The subject of a message's acknowledgement: `$JS.ACK.[domain.account.]stream.consumer.delivered.sequence.….time.pending[.token]`. Undefined: it is none. */
function readSubject(
  subject: string,
): (Omit<Delivery, 'subject'> & { readonly stream: string; readonly consumer: string }) | undefined {
  const tokens = subject.split('.')
  // The newer form has a domain and an account in front, and a token behind.
  const [stream = '', consumer = '', receives = '', sequence = '', , time = ''] = tokens.slice(tokens.length > OLD_TOKENS ? 4 : 2)
  const whole = [receives, sequence, time].every((token) => /^\d{1,20}$/.test(token))
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || !whole) return undefined
  return { stream, consumer, receives: Number(receives), sequence: Number(sequence), storedMs: Math.floor(Number(time) / 1e6) }
}

const OLD_TOKENS = 9

/** Of a message that a consumer has given. */
export const readPlace = (subject: string): Place | undefined => readSubject(subject)

/** Undefined: it is no subject of a message of this consumer. */
export function readDelivery(subject: string, stream: string, consumer: string): Delivery | undefined {
  const read = readSubject(subject)
  if (read?.stream !== stream || read.consumer !== consumer || !/^[\w$.-]+$/.test(subject)) return undefined
  const { receives, sequence, storedMs } = read
  return { subject, receives, sequence, storedMs }
}

/** A receipt holds all that is needed to acknowledge, so that any host can: `untilMs` is when the message is others' again. */
export const receiptOf = ({ subject, sequence }: Delivery, untilMs: number): string =>
  `${sequence}-${Buffer.from(`${untilMs} ${subject}`).toString('base64url')}`

export interface Receipt extends Delivery {
  readonly untilMs: number
}

/** Undefined: it is none of this consumer. */
export function readReceipt(receipt: string, stream: string, consumer: string): Receipt | undefined {
  const [until = '', subject = ''] = Buffer.from(receipt.slice(receipt.indexOf('-') + 1), 'base64url')
    .toString()
    .split(' ')
  const delivery = /^\d{1,16}$/.test(until) ? readDelivery(subject, stream, consumer) : undefined
  return delivery === undefined ? undefined : { ...delivery, untilMs: Number(until) }
}

function readAttributes(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {}
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** Headers are lines of ASCII. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/[\u007F-\uFFFF]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

import type { EventForm } from '../component/contract.ts'
import { AmpouleError } from '../errors.ts'
import { queuesOf, type FunctionSettings } from '../functions/settings.ts'
import { decodeEnvelope, own } from './envelope.ts'
import { decodeMessage, MalformedMessage } from './message.ts'

/** A message that a function wants to be sent when its invocation has succeeded. */
export interface SentMessage {
  /** The queue's name. */
  readonly queue: string
  /** As `POST /queues/NAME/messages` takes it. */
  readonly message: Readonly<Record<string, unknown>>
}

/** Of one invocation. */
export const MOST_MESSAGES = 1_000
/** Where an exchange's answer has them, which has no head. */
export const SENT_HEADER = 'x-ampoule-sent'

/** What an answer wants to be sent (docs/events.md). Throws `MalformedMessage`. */
export function decodeSent(payload: Uint8Array, events: EventForm): readonly SentMessage[] {
  const answer = events === 'json' ? decodeEnvelope(payload).head : decodeMessage(payload)
  return typeof answer === 'object' && answer !== null ? readSent(own(answer, 'sent')) : []
}

/** The same of an exchange: status, then names and values by turns. */
export function sentInExchange(strings: readonly { toString(): string }[]): readonly SentMessage[] {
  for (let at = 1; at + 1 < strings.length; at += 2)
    if (strings[at]?.toString() === SENT_HEADER) {
      let list: unknown
      try {
        list = JSON.parse(strings[at + 1]?.toString() ?? '')
      } catch {
        throw new MalformedMessage(`the header ${SENT_HEADER} is not JSON`)
      }
      return readSent(list)
    }
  return []
}

function readSent(list: unknown): readonly SentMessage[] {
  if (list === undefined || list === null) return []
  if (!Array.isArray(list)) throw new MalformedMessage('"sent" is no list')
  if (list.length > MOST_MESSAGES)
    throw new MalformedMessage(`"sent" has ${list.length} messages, the limit of an invocation is ${MOST_MESSAGES}`)
  return list.map((item: unknown, index) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) throw new MalformedMessage(`sent[${index}] is no map`)
    const { queue, ...message } = item as Record<string, unknown>
    if (typeof queue !== 'string' || queue === '') throw new MalformedMessage(`"queue" of sent[${index}] is no name`)
    return { queue, message }
  })
}

/** Where messages of a function go; they are there when it resolves. */
export type Deliver = (messages: readonly SentMessage[], name: string) => Promise<void>

/** `HostedFunction.send` of a function: for queues that it is granted. */
export function senderOf(
  { name, sends }: Pick<FunctionSettings, 'name' | 'sends'>,
  deliver: Deliver,
): ((messages: readonly SentMessage[]) => Promise<void>) | undefined {
  if (sends === undefined) return undefined
  const granted = new Set(queuesOf(sends))
  return async (messages) => {
    const other = messages.find(({ queue }) => !granted.has(queue))
    if (other !== undefined)
      throw new AmpouleError(
        'InvalidResponse',
        `${name} has sent to the queue ${JSON.stringify(other.queue.slice(0, 100))}, which it is not granted: sends has ${sends}`,
      )
    await deliver(messages, name)
  }
}

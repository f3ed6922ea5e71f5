/**
 * Queues: messages that are kept until someone has acknowledged them. What an engine cannot do it declares; one conformance suite
 * (test/store/queue-conformance.ts) says what it must do. A queue that is not there rejects with `QueueNotFound`. Semantics, and the names of what is counted: Amazon SQS.
 *
 * A receiver gets a message for a while (its visibility timeout). If it does not acknowledge it meanwhile, the message is there for
 * others again: every message is processed at least once, and possibly more often.
 */
export interface QueueEngine {
  /** As messages to users have it. */
  readonly name: string
  readonly capabilities: QueueCapabilities
  /** Why nothing can be sent now, in words for everybody; undefined: something can. */
  readonly trouble: string | undefined
  /** Creates a queue, or changes what it is like; its messages stay. A FIFO queue stays one: rejects with `InvalidRequest`. */
  define(definition: QueueDefinition): Promise<void>
  definition(name: string): Promise<QueueDefinition | undefined>
  /** In the order of names, behind `after`. */
  definitions(options?: { readonly after?: string; readonly limit?: number }): Promise<readonly QueueDefinition[]>
  /** With its messages. False when there was none. */
  remove(name: string): Promise<boolean>
  /** Resolves when all are on disk, in this order. */
  send(name: string, messages: readonly NewMessage[]): Promise<readonly SentMessage[]>
  /** What can be received now, oldest first; it does not wait. */
  receive(name: string, options: ReceiveOptions): Promise<readonly ReceivedMessage[]>
  /** Deletes what these receipts stand for. False for one that is no longer valid: someone else has received the message since, or it is gone. */
  acknowledge(name: string, receipts: readonly string[]): Promise<readonly boolean[]>
  /** Sets anew, from now on, how long the message is out of sight; 0: others may receive it at once. False as for `acknowledge`. */
  changeVisibility(name: string, changes: readonly VisibilityChange[]): Promise<readonly boolean[]>
  /** What the next receivers would get, without giving it to anyone. */
  peek(name: string, limit: number): Promise<readonly PeekedMessage[]>
  /** Deletes all messages, also those that are received; resolves with their number. */
  purge(name: string): Promise<number>
  stats(name: string): Promise<QueueStats>
  /** Calls back when other hosts may have sent something; none where no other host can. A hint only: it may stay out. */
  watch?(told: (name: string) => void): void
  /** Moves up to `limit` messages that can be received to `to`, or, where that is undefined, to where each was before it was dead. Resolves with how many were moved. */
  move(name: string, to: string | undefined, limit: number): Promise<number>
  close(): Promise<void>
}

/** What is not there rejects with `InvalidRequest`, or is approximate where that is said. */
export interface QueueCapabilities {
  /** Messages that can be received only after a while. */
  readonly delay: boolean
  /** FIFO queues: message groups in order, and deduplication. */
  readonly fifo: boolean
  /**
   * A receipt counts no more when someone else has received the message since, and each message has its state. Else a late acknowledgement
   * counts, `peek` also shows what is with receivers, `stats` counts what was not acknowledged in time as `inFlight`, and `firstReceivedMs` is when it
   * was received this time.
   */
  readonly receipts: boolean
}

export interface QueueDefinition {
  readonly name: string
  readonly fifo: boolean
  /** Milliseconds; for receivers that do not say. */
  readonly visibilityMs: number
  /** Milliseconds; for messages that do not say. */
  readonly delayMs: number
  /** Milliseconds after which a message is thrown away. */
  readonly retentionMs: number
  /** Where a message goes when it has been received so often and is to be received once more. */
  readonly deadLetter: { readonly queue: string; readonly maxReceives: number } | undefined
  /** What the engine only keeps: JSON. */
  readonly attributes: Readonly<Record<string, unknown>>
}

export interface NewMessage {
  /** Unique; a UUID. */
  readonly id: string
  readonly body: Uint8Array
  /** What the engine only keeps: JSON. */
  readonly attributes?: Readonly<Record<string, unknown>>
  /** Milliseconds; default: the queue's. */
  readonly delayMs?: number
  /** FIFO queues: messages of one group are received in their order, and none while an earlier one is with a receiver. */
  readonly group?: string
  /** FIFO queues: a second message with the same within five minutes is accepted and thrown away. */
  readonly deduplication?: string
}

export interface SentMessage {
  /** Of the first one where this was a duplicate. */
  readonly id: string
  /** Grows within the queue. */
  readonly sequence: number
}

export interface ReceiveOptions {
  readonly limit: number
  /** Milliseconds; default: the queue's. */
  readonly visibilityMs?: number
}

export interface PeekedMessage {
  readonly id: string
  readonly sequence: number
  readonly body: Uint8Array
  readonly attributes: Readonly<Record<string, unknown>>
  readonly group: string | undefined
  readonly deduplication: string | undefined
  /** Milliseconds since the epoch. */
  readonly sentMs: number
  /** How often it was received, this time included. */
  readonly receives: number
  /** The queue in which it was when it was received too often. */
  readonly source: string | undefined
}

export interface ReceivedMessage extends PeekedMessage {
  /** Valid until the message is received again. */
  readonly receipt: string
  /** Milliseconds since the epoch. */
  readonly firstReceivedMs: number
  /** When others may receive it again: milliseconds since the epoch. */
  readonly visibleMs: number
}

export interface VisibilityChange {
  readonly receipt: string
  readonly visibilityMs: number
}

export interface QueueStats {
  /** That can be received now. In a FIFO queue also those behind one that is with a receiver. */
  readonly visible: number
  /** That are with a receiver. */
  readonly inFlight: number
  /** That can be received only later. */
  readonly delayed: number
  /** Milliseconds since the epoch, of the oldest message; undefined when there is none. */
  readonly oldestSentMs: number | undefined
}

/** SQS: for so long a FIFO queue knows what it has deduplicated. */
export const DEDUPLICATION_MS = 5 * 60_000

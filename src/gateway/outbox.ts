import type { EventAnswer, Question } from '../control/lane-protocol.ts'
import type { Lineage } from '../control/lineage.ts'
import type { LaneSupervisor } from '../engine/contract.ts'
import { AmpouleError } from '../errors.ts'
import type { SentMessage } from '../invoke/sent.ts'
import type { Observer } from '../observe/records.ts'

/** Where messages go that functions have sent; they are there when it resolves. */
export type Outbox = (messages: readonly SentMessage[], name: string, lineage?: Lineage) => Promise<void>

/** To the queues of the host, which has them on disk then. */
export const toQueues =
  (supervisor: Pick<LaneSupervisor, 'ask'>): Outbox =>
  async (messages, name, lineage) => {
    const answer = (await supervisor.ask({ kind: 'send', name, lineage, messages } satisfies Question)) as EventAnswer
    if (answer.ok) return
    const { type, message } = answer
    const code = type === 'ServiceException' ? 'StoreUnavailable' : 'InvalidResponse'
    throw new AmpouleError(code, `${name} has sent what cannot be sent: ${message}`)
  }

/** For a host that has no queues: it says what was sent. */
export const toLog =
  (observe: Observer, now: () => number): Outbox =>
  (messages, name) => {
    for (const { queue, message } of messages)
      observe({
        type: 'host',
        time: now(),
        level: 'info',
        message: `${name} sends to ${queue}: ${String(message['body']).slice(0, MOST_SHOWN)}`,
      })
    return Promise.resolve()
  }

const MOST_SHOWN = 1_000

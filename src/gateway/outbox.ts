import type { EventAnswer, Question } from '../control/lane-protocol.ts'
import type { LaneSupervisor } from '../engine/contract.ts'
import { AmpouleError } from '../errors.ts'
import type { Deliver } from '../invoke/sent.ts'
import type { Observer } from '../observe/records.ts'

/** To the queues of the host, which has them on disk then. */
export const toQueues =
  (supervisor: Pick<LaneSupervisor, 'ask'>): Deliver =>
  async (messages, name) => {
    const answer = (await supervisor.ask({ kind: 'send', messages } satisfies Question)) as EventAnswer
    if (answer.ok) return
    const { type, message } = answer
    const code = type === 'ServiceException' ? 'StoreUnavailable' : 'InvalidResponse'
    throw new AmpouleError(code, `${name} has sent what cannot be sent: ${message}`)
  }

/** For a host that has no queues: it says what was sent. */
export const toLog =
  (observe: Observer, now: () => number): Deliver =>
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

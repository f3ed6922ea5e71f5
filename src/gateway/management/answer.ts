import type { Control } from '../../control/control.ts'
import type {
  EventAnswer,
  ForwardedAnswer,
  ForwardedRequest,
  LinkAnswer,
  ManagedRoute,
  Question,
  RouteAnswer,
  TakenBatch,
  TakenEvent,
} from '../../control/lane-protocol.ts'
import type { UrlRoute } from '../../functions/url.ts'
import { Taken } from '../../control/taken.ts'
import { findUrl } from '../../control/urls.ts'
import { LambdaError, notFound } from '../../functions/lambda-error.ts'
import { toLambdaError } from '../../triggers/invoke.ts'
import { sendAll } from '../queues/send.ts'
import type { ManagementApp } from './app.ts'

type Answer =
  | RouteAnswer
  | readonly ManagedRoute[]
  | LinkAnswer
  | ForwardedAnswer
  | EventAnswer
  | TakenEvent
  | readonly TakenBatch[]
  | UrlRoute
  | string
  | undefined

export interface LaneAnswers {
  /** Answers what lanes ask. */
  answer(question: unknown, asker: number): Promise<Answer>
  /** What a lane had that has died is for others. */
  died(asker: number): void
}

export function answerLanes(control: Control, app: ManagementApp): LaneAnswers {
  const taken = new Taken(control)
  const answer = (content: unknown, asker: number): Promise<Answer> => {
    // Lanes are of this release.
    const question = content as Question
    switch (question.kind) {
      case 'route':
        return control.residence.route(question.reference).then(
          (route) => ({ ok: true, route }),
          (error: unknown) => refused(error),
        )
      case 'request':
        return answerRequest(question.request, app)
      case 'url':
        return findUrl(question.urlId, control.store, control.account)
      case 'event':
        return control.events.accept(question.event).then(() => ({ ok: true }) as const, refused)
      case 'take-event':
        return taken.event(asker)
      case 'routes':
        return control.routing.list()
      case 'link':
        return findCode(question.target, control).catch(refused)
      case 'settle-event':
        return taken.settleEvent(asker, question.id, question.outcome).then(() => undefined)
      case 'take-batches':
        return Promise.resolve(taken.batches(asker, question.limit))
      case 'settle-batch':
        return taken.settleBatch(asker, question.mapping, question.id, question.outcome).then(() => undefined)
      case 'send':
        return sendAll(question.messages, question, control).then(() => ({ ok: true }) as const, refused)
      case 'trouble':
        return Promise.resolve(troubleOf(control))
      case 'logs':
        return control.logs.store.append(question.batch).then(() => undefined)
      default:
        return question satisfies never
    }
  }
  return { answer, died: (asker) => taken.died(asker) }
}

const troubleOf = ({ store, queues, streams, triggers }: Control): string | undefined =>
  store.trouble ?? queues.engine.trouble ?? streams.engine.trouble ?? triggers.sourceTrouble

function refused(error: unknown): Extract<EventAnswer, { readonly ok: false }> {
  const { type, message, members } = error instanceof LambdaError ? error : toLambdaError(error)
  return { ok: false, type, message, members }
}

async function findCode(target: string, { links, code }: Control): Promise<LinkAnswer> {
  const sha256 = links.read(target)
  const bytes = await code.size(sha256)
  if (bytes === undefined) throw notFound('The code is not here any more')
  return { ok: true, sha256, path: code.path(sha256), bytes }
}

async function answerRequest(
  { method, url, headers, body, caller }: ForwardedRequest,
  app: ManagementApp,
): Promise<ForwardedAnswer> {
  const bodiless = method === 'GET' || method === 'HEAD'
  const request = new Request(url, {
    method,
    headers: headers.filter(([name]) => !HOP.has(name)).map((pair) => [...pair]),
    ...(!bodiless && { body }),
  })
  const response = await app.fetch(request, { caller })
  return { status: response.status, headers: [...response.headers], body: new Uint8Array(await response.arrayBuffer()) }
}

/** Of the connection, not of the request. */
const HOP: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'expect', 'upgrade'])

import type { Control } from '../../control/control.ts'
import { invalidParameter, notFound } from '../../functions/lambda-error.ts'

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 100

/**
 * `GET /queues/NAME/messages?limit=N`: what the next receivers would get, up to N (1 to 100, 10 by default), without giving it to anyone. A body
 * that is no UTF-8 is in `base64`.
 */
export async function peekMessages(name: string, query: URLSearchParams, control: Control): Promise<object> {
  const text = query.get('limit') ?? String(DEFAULT_LIMIT)
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > MAX_LIMIT)
    throw invalidParameter(`limit is ${JSON.stringify(text.slice(0, 100))}: it must be an integer from 1 to ${MAX_LIMIT}.`)
  const { engine } = control.queues
  if ((await engine.definition(name)) === undefined) throw notFound(`There is no queue ${name}.`)
  const found = await engine.peek(name, limit)
  return {
    messages: found.map(({ id, sequence, body, sentMs, receives, group, source }) => ({
      id,
      sequence: String(sequence),
      ...contentOf(body),
      sent: new Date(sentMs).toISOString(),
      receives,
      ...(group !== undefined && { group }),
      ...(source !== undefined && { source }),
    })),
  }
}

function contentOf(body: Uint8Array): { readonly body: string } | { readonly base64: string } {
  try {
    return { body: new TextDecoder('utf-8', { fatal: true }).decode(body) }
  } catch {
    return { base64: Buffer.from(body).toString('base64') }
  }
}

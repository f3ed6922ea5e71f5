import type { Context, Env, MessageBatch, ScheduledEvent } from '@ampoule/guest'
import { greet } from './greet.ts'

export default {
  fetch(request: Request, env: Env): Response {
    const url = new URL(request.url)
    return Response.json({ message: greet(url.searchParams.get('name'), env['GREETING']), path: url.pathname })
  },

  /** Tried with: ampoule dev queue send {{name}} "a message" */
  queue(batch: MessageBatch): void {
    for (const message of batch.messages) console.log(`message ${message.id}:`, message.body)
  },

  /** Tried with: ampoule dev cron run {{name}} */
  scheduled(event: ScheduledEvent, _env: Env, ctx: Context): void {
    console.log(`${ctx.functionName} runs for ${event.cron}`)
  },
}

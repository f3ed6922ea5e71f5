import type { ExportedHandler, LambdaContext } from '@ampoule/guest'

interface Order {
  readonly order: number
  readonly amount: number
}

/** Takes orders by HTTP. They are in the queue when this is answered, and booked whenever there is time. */
export default {
  async fetch(request, _env, ctx): Promise<Response> {
    if (request.method !== 'POST') return new Response('POST {"order": …, "amount": …}\n', { status: 405 })
    const order = (await request.json()) as Order
    ctx.send('orders', order)
    return Response.json({ accepted: order.order }, { status: 202 })
  },
} satisfies ExportedHandler

/** Takes them as CloudEvents, too. */
export const handler = ({ data }: { readonly data: Order }, context: LambdaContext): void => context.send('orders', data)

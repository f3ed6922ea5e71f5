import { Hono } from 'hono'
import { describe, expectTypeOf, test } from 'vitest'
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyHandlerV2,
  Context,
  Env,
  EventBridgeScheduledEvent,
  ExportedHandler,
  Handler,
  KinesisStreamHandler,
  LambdaContext,
  MessageBatch,
  ScheduledEvent,
  ScheduledHandler,
  SQSBatchResponse,
  SQSEvent,
  SQSHandler,
  StreamBatch,
} from '../../guest-sdk/index.ts'

// What these say is checked by the compiler (`npm run check`); running them finds nothing more.
describe('the types of @ampoule/guest', () => {
  test('take a Hono app as a default export', () => {
    expectTypeOf(new Hono()).toExtend<ExportedHandler>()
    expectTypeOf(new Hono<{ Bindings: { A: string } }>()).toExtend<ExportedHandler<{ A: string }>>()
    expectTypeOf<Context>().toExtend<NonNullable<Parameters<Hono['fetch']>[2]>>()
  })

  test('give every handler of the module form its parameters', () => {
    const module = {
      fetch: (request, env, ctx) => {
        expectTypeOf(request).toEqualTypeOf<Request>()
        expectTypeOf(env).toEqualTypeOf<Env>()
        expectTypeOf(ctx).toEqualTypeOf<Context>()
        return new Response(ctx.requestId)
      },
      queue: async (batch) => {
        expectTypeOf(batch).toEqualTypeOf<MessageBatch>()
        expectTypeOf(batch.messages[0]?.json()).toEqualTypeOf<unknown>()
        await Promise.resolve()
      },
      stream: (batch) => {
        expectTypeOf(batch).toEqualTypeOf<StreamBatch>()
      },
      scheduled: (event) => {
        expectTypeOf(event).toEqualTypeOf<ScheduledEvent>()
      },
    } satisfies ExportedHandler
    expectTypeOf(module).toExtend<ExportedHandler>()
  })

  test('let authors name their environment and the bodies of their messages', () => {
    interface Order {
      readonly id: number
    }
    const module = {
      fetch(_request: Request, env: { readonly WHO: string }) {
        return new Response(env.WHO)
      },
      queue(batch) {
        expectTypeOf(batch.messages[0]?.json()).toEqualTypeOf<Order | undefined>()
      },
    } satisfies ExportedHandler<{ readonly WHO: string }, Order>
    expectTypeOf(module).toHaveProperty('fetch')
  })

  test('refuse what is no answer', () => {
    expectTypeOf<{ fetch(): string }>().not.toExtend<ExportedHandler>()
    expectTypeOf<{ queue: string }>().not.toExtend<ExportedHandler>()
    expectTypeOf<() => { batchItemFailures: string }>().not.toExtend<SQSHandler>()
  })

  test('take Lambda handlers of every kind', () => {
    const http: APIGatewayProxyHandlerV2 = async (event, context) => {
      expectTypeOf(event).toEqualTypeOf<APIGatewayProxyEventV2>()
      expectTypeOf(context).toEqualTypeOf<LambdaContext>()
      return Promise.resolve({ statusCode: 200, body: event.rawPath })
    }
    const queue: SQSHandler = (event) => ({
      batchItemFailures: event.Records.map(({ messageId }) => ({ itemIdentifier: messageId })),
    })
    const stream: KinesisStreamHandler = (event) => {
      expectTypeOf(event.Records[0]?.kinesis.data).toEqualTypeOf<string | undefined>()
    }
    const scheduled: ScheduledHandler = (event) => {
      expectTypeOf(event).toEqualTypeOf<EventBridgeScheduledEvent>()
    }
    const own: Handler<{ readonly a: number }, number> = ({ a }) => a
    expectTypeOf([http, queue, stream, scheduled, own]).toBeArray()
    expectTypeOf<(event: SQSEvent) => Promise<SQSBatchResponse>>().toExtend<SQSHandler>()
  })
})

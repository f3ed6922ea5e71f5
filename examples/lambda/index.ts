// A function in AWS Lambda's shape on QuickJS, the small engine: API Gateway's HTTP event (payload format 2.0) in, a response
// object out. An invocation by the management API gets its payload as it is.
interface HttpEvent {
  readonly rawPath: string
  readonly queryStringParameters?: Readonly<Record<string, string>>
  readonly requestContext: { readonly http: { readonly method: string } }
  readonly body?: string
}

interface Context {
  readonly awsRequestId: string
  getRemainingTimeInMillis(): number
}

const isHttp = (event: unknown): event is HttpEvent => typeof event === 'object' && event !== null && 'requestContext' in event

export const handler = async (event: unknown, context: Context): Promise<unknown> => {
  if (!isHttp(event)) return { received: event }
  const { method } = event.requestContext.http
  const waitMs = Number(event.queryStringParameters?.wait ?? 0)
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
  console.log(`${method} ${event.rawPath}`)
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      message: `Hello from ${process.env.ENGINE ?? 'Lambda'}`,
      method,
      path: event.rawPath,
      body: event.body,
      requestId: context.awsRequestId,
      remainingMs: context.getRemainingTimeInMillis(),
    }),
  }
}

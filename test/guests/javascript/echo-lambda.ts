interface HttpEvent {
  readonly rawPath: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly isBase64Encoded: boolean
}

const isHttp = (event: unknown): event is HttpEvent => typeof event === 'object' && event !== null && 'requestContext' in event

export const handler = (event: unknown): unknown => {
  if (!isHttp(event)) return event
  const type = event.headers['content-type'] ?? 'text/plain;charset=utf-8'
  return {
    statusCode: 200,
    headers: { 'content-type': type },
    body: event.body ?? event.rawPath,
    isBase64Encoded: event.isBase64Encoded,
  }
}

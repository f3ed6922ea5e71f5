/** Lambda's shape, which both engines have. */
export const handler = (event: {
  readonly body?: string
}): { statusCode: number; headers: Record<string, string>; body: string } => ({
  statusCode: 200,
  headers: { 'content-type': 'application/json' },
  body: event.body ?? '',
})

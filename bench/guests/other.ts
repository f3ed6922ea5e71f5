/** Another function than lambda.ts with the same answer. */
export const handler = (event: {
  readonly body?: string
}): { statusCode: number; headers: Record<string, string>; body: string } => {
  const { body = '' } = event
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: body.slice() }
}

export default {
  async fetch(request: Request): Promise<Response> {
    const body = await request.arrayBuffer()
    const type = request.headers.get('content-type') ?? 'text/plain;charset=utf-8'
    return new Response(body.byteLength > 0 ? body : new URL(request.url).pathname, { headers: { 'content-type': type } })
  },
}

export const handler = (event: unknown): unknown => event

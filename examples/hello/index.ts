// A TypeScript function of the event world: web-standard Request in, Response out. It runs on StarlingMonkey, with fetch's types,
// URL, streams, crypto and timers. Every request meets it as it was right after the build: `calls` never gets beyond 1.
import { greet } from './greet.ts'

let calls = 0

export default {
  async fetch(request: Request, env: Record<string, string>): Promise<Response> {
    calls++
    const url = new URL(request.url)
    const name = url.searchParams.get('name') ?? env.DEFAULT_NAME ?? 'world'
    if (request.method === 'POST')
      return new Response(await request.arrayBuffer(), { headers: { 'content-type': 'application/octet-stream' } })
    console.log(`greeting ${name}`)
    return Response.json({ message: greet(name), path: url.pathname, calls, id: crypto.randomUUID() })
  },
}

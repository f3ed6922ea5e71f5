// A wasi:http component without our runtime: StarlingMonkey calls the listener for wasi:http/incoming-handler (kind "wasi-http").
// The response streams: each line goes out when it is written, while the function still runs.
addEventListener('fetch', (event) => event.respondWith(respond(event.request)))

async function respond(request) {
  const url = new URL(request.url)
  if (request.method === 'POST')
    return new Response(request.body, { headers: { 'content-type': request.headers.get('content-type') ?? 'text/plain' } })
  const count = Math.min(Number(url.searchParams.get('lines') ?? 5), 1000)
  const encoder = new TextEncoder()
  let line = 0
  const body = new ReadableStream({
    async pull(controller) {
      if (line === count) return controller.close()
      if (line > 0) await new Promise((resolve) => setTimeout(resolve, 20))
      line++
      controller.enqueue(encoder.encode(`line ${line} of ${count}\n`))
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/plain; charset=utf-8' } })
}

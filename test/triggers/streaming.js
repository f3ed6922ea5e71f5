// A wasi:http function that streams in every way a test needs.
const encoder = new TextEncoder()

addEventListener('fetch', (event) => event.respondWith(respond(event.request)))

async function respond(request) {
  const url = new URL(request.url)
  switch (url.pathname) {
    case '/request':
      return Response.json({
        method: request.method,
        url: request.url,
        headers: [...request.headers],
        body: await request.text(),
      })
    case '/echo':
      return new Response(request.body, { headers: { 'content-type': 'application/octet-stream' } })
    case '/count':
      return new Response(String((await request.arrayBuffer()).byteLength))
    case '/cookies': {
      const headers = new Headers({ 'x-own': '1' })
      headers.append('set-cookie', 'a=1')
      headers.append('set-cookie', 'b=2')
      return new Response(null, { status: 204, headers })
    }
    case '/ticks':
      return new Response(ticks(), { headers: { 'content-type': 'text/plain' } })
    case '/short':
      return new Response('short', { headers: { 'content-length': '100' } })
    case '/throws':
      throw new Error('thrown by the guest')
    default:
      return new Response(url.pathname)
  }
}

/** A line every few milliseconds, without end. */
function ticks() {
  let sent = 0
  return new ReadableStream({
    async pull(controller) {
      if (sent > 0) await new Promise((resolve) => setTimeout(resolve, 5))
      sent++
      controller.enqueue(encoder.encode(`tick ${sent}\n`))
    },
  })
}

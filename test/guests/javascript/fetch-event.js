addEventListener('fetch', (event) => event.respondWith(echo(event.request)))

async function echo(request) {
  const body = await request.arrayBuffer()
  const type = request.headers.get('content-type') ?? 'text/plain;charset=utf-8'
  return new Response(body.byteLength > 0 ? body : new URL(request.url).pathname, { headers: { 'content-type': type } })
}

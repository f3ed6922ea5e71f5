addEventListener('fetch', (event) => event.respondWith(answer(event.request)))

async function answer(request) {
  return new Response(await request.arrayBuffer(), { headers: { 'content-type': 'application/json' } })
}

import type { Env } from '@ampoule/guest'
import { Hono } from 'hono'

const app = new Hono<{ Bindings: Env }>()

app.get('/', (c) => c.json({ message: `${c.env['GREETING']}, ${c.req.query('name') ?? 'world'}!` }))

app.get('/items/:id', (c) => c.json({ id: c.req.param('id') }))

app.post('/items', async (c) => {
  const item: unknown = await c.req.json()
  return c.json({ item }, 201)
})

export default app

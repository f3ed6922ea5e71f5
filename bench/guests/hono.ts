import { Hono } from 'hono'

const app = new Hono()
app.post('*', async (c) => c.body(await c.req.arrayBuffer(), 200, { 'content-type': 'application/json' }))

export default app

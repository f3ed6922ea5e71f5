// A Hono app is a function as it is: the default export has the `fetch` that the runtime calls.
import { Hono } from 'hono'
import { html } from 'hono/html'
import { HTTPException } from 'hono/http-exception'

const todos = new Map([
  ['1', 'open the ampoule'],
  ['2', 'throw it away'],
])

const app = new Hono()

// Counts what the app did for this request; the next one starts from 1 again.
let handled = 0
app.use(async (context, next) => {
  handled++
  await next()
  context.header('x-handled', String(handled))
})

app.get('/', (context) => {
  const items = [...todos].map(([id, text]) => html`<li><a href="todos/${id}">${text}</a></li>`)
  return context.html(
    html`<!doctype html>
      <title>Hono in an ampoule</title>
      <h1>Todos</h1>
      <ul>
        ${items}
      </ul>`,
  )
})

app.get('/todos', (context) => context.json(Object.fromEntries(todos)))

app.get('/todos/:id', (context) => {
  const id = context.req.param('id')
  const text = todos.get(id)
  if (text === undefined) throw new HTTPException(404, { message: `no todo ${id}` })
  return context.json({ id, text })
})

app.post('/todos', async (context) => {
  const { text } = await context.req.json<{ text: string }>()
  // Gone when the answer has been given: what should last belongs into a store.
  const id = String(todos.size + 1)
  todos.set(id, text)
  return context.json({ id, text }, 201)
})

export default app

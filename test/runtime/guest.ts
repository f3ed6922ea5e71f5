/** The function that the tests build for each engine: all checks, and what a restored instance must not repeat. */
import { Hono } from 'hono'
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { CRYPTO } from './checks/crypto.ts'
import { streamOf, type Check } from './checks/check.ts'
import { LANGUAGE } from './checks/language.ts'
import { NODE } from './checks/node.ts'
import { STREAMS } from './checks/streams.ts'
import { WEB } from './checks/web.ts'

const GROUPS: Readonly<Record<string, readonly Check[]>> = {
  web: WEB,
  streams: STREAMS,
  crypto: CRYPTO,
  node: NODE,
  language: LANGUAGE,
}

/** 'ok', or what was wrong. */
export type Results = Record<string, Record<string, string>>

async function runChecks(): Promise<Results> {
  const results: Results = {}
  for (const [group, checks] of Object.entries(GROUPS)) {
    const outcomes: Record<string, string> = {}
    for (const { name, run } of checks) {
      try {
        await run()
        outcomes[name] = 'ok'
      } catch (error) {
        outcomes[name] = String(error)
      }
    }
    results[group] = outcomes
  }
  return results
}

/** Everything that draws: from engines and libraries that may have seeded themselves before the snapshot. */
const draw = async (): Promise<Record<string, unknown>> => ({
  'Math.random': Math.random(),
  'crypto.getRandomValues': [...crypto.getRandomValues(new Uint32Array(2))],
  'crypto.randomUUID': crypto.randomUUID(),
  'node:crypto randomUUID': randomUUID(),
  'node:crypto randomBytes': randomBytes(8).toString('hex'),
  'node:crypto randomInt': randomInt(2 ** 40),
  'multipart boundary': new Response(new FormData()).headers.get('content-type'),
})

function write(): void {
  console.log('log %s %d', 'text', 1, { a: [1n] })
  console.info('info')
  console.debug('debug')
  console.warn('warn')
  console.error(new RangeError('broken', { cause: 'why' }))
  console.assert(false, 'assertion')
}

export const handler = async (event: unknown): Promise<unknown> => {
  if (event === 'draw') return draw()
  if (event === 'date') return Date.now()
  if (event === 'write') return write()
  return runChecks()
}

const app = new Hono()
app.get('/hello/:name', (c) => c.json({ name: c.req.param('name'), q: c.req.query('q'), agent: c.req.header('User-Agent') }))
app.post('/echo', async (c) => c.body(await c.req.arrayBuffer(), 201, { 'x-url': c.req.url }))
app.post('/form', async (c) => c.json(await c.req.parseBody()))
app.get('/stream', () => new Response(streamOf(['a', 'b']).pipeThrough(new TextEncoderStream())))
app.onError((error, c) => c.text(error.message, 500))
app.get('/throw', () => {
  throw new Error('no luck')
})

// oxlint-disable-next-line import/no-default-export -- the shape of a function
export default app

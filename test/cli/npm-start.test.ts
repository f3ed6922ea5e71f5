import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { ask } from '../triggers/client.ts'
import { run } from './ampoule.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** The examples' components are built the first time. */
const DEADLINE_MS = 110_000

test(
  'npm start serves the examples, and ends them when npm is ended',
  async () => {
    const data = await mkdtemp(join(tmpdir(), 'ampoule-start-'))
    const own = ['--port', '0', '--data', data, '--management-port', '0']
    const npm = spawn('npm', ['start', '--', ...own], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    const { stderr, stdout } = npm
    let said = ''
    let out = ''
    stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    // Every process below npm holds this pipe: it closes with the last of them.
    const ended = once(stderr, 'close')
    try {
      while (!/:(\d+)$/m.test(said)) await Promise.race([once(stderr, 'data'), ended.then(() => expect.fail(said))])
      const port = Number(/:(\d+)$/m.exec(said)?.[1])
      expect((await ask(port, '/')).status).toBe(200)
      expect((await ask(port, '/c/')).status).toBe(200)
      // A queue, a stream and a schedule are there, with functions that they go to.
      const endpoint = /managing functions at (\S+)/.exec(said)?.[1] ?? ''
      const env = { AMPOULE_ENDPOINT: endpoint }
      const triggers = (await run(['trigger', 'list'], { env })).stdout
      expect(triggers).toMatch(/ queue +orders +at work /)
      expect(triggers).toMatch(/ stream +views +at work /)
      expect((await run(['cron', 'list'], { env })).stdout).toMatch(/\ncron +\* \* \* \* \* +UTC +cron +20/)
      await run(['queue', 'send', 'orders', '{"order":7,"amount":20}'], { env })
      const order = (number: number) => JSON.stringify({ order: number, amount: 5 })
      expect((await fetch(`http://127.0.0.1:${port}/order/`, { method: 'POST', body: order(8) })).status).toBe(202)
      const event = `{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","data":${order(9)}}`
      const headers = { 'content-type': 'application/cloudevents+json' }
      expect((await fetch(`${endpoint}/events`, { method: 'POST', headers, body: event })).status).toBe(202)
      await run(['stream', 'put', 'views', '{"page":"/about"}', '--key', 'visitor'], { env })
      await run(['cron', 'run', 'cron'], { env })
      await expect.poll(() => out, { timeout: 20_000 }).toMatch(/booked 20 for order 7/)
      await expect.poll(() => out, { timeout: 20_000 }).toMatch(/booked 5 for order 8/)
      await expect.poll(() => out, { timeout: 20_000 }).toMatch(/booked 5 for order 9/)
      await expect.poll(() => out, { timeout: 20_000 }).toMatch(/visitor has seen \/about/)
      await expect.poll(() => out, { timeout: 20_000 }).toMatch(/report of 20/)
    } finally {
      npm.kill('SIGTERM')
    }
    await ended
    await rm(data, { recursive: true })
    expect(said).toContain('shutting down')
  },
  DEADLINE_MS,
)

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { ask } from '../triggers/client.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** The examples' components are built the first time. */
const DEADLINE_MS = 110_000

test(
  'npm start serves the examples, and ends them when npm is ended',
  async () => {
    const npm = spawn('npm', ['start', '--', '--port', '0'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] })
    const { stderr } = npm
    if (stderr === null) throw new Error('no standard error')
    let said = ''
    stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    // Every process below npm holds this pipe: it closes with the last of them.
    const ended = once(stderr, 'close')
    try {
      while (!/:(\d+)$/m.test(said)) await Promise.race([once(stderr, 'data'), ended.then(() => expect.fail(said))])
      const port = Number(/:(\d+)$/m.exec(said)?.[1])
      expect((await ask(port, '/')).status).toBe(200)
      expect((await ask(port, '/c/')).status).toBe(200)
    } finally {
      npm.kill('SIGTERM')
    }
    await ended
    expect(said).toContain('shutting down')
  },
  DEADLINE_MS,
)

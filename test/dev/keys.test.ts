import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NODE_FLAGS } from '../../bin/node.mjs'
import { answering, configuration } from './session.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const WAIT_MS = 60_000

/** util-linux's `script` gives a program a terminal; others of that name take other options. */
const hasTerminal = spawnSync('script', ['-qec', 'true', '/dev/null'], { stdio: 'ignore' }).status === 0

describe.skipIf(!hasTerminal)(`single keys on a terminal${hasTerminal ? '' : ' (needs script of util-linux)'}`, () => {
  let folder: string
  let terminal: ChildProcessWithoutNullStreams
  let ended: Promise<number | null>
  let output = ''
  let check = (): void => {}

  /** The first match in what was written since the last one, without colours. */
  const said = async (pattern: RegExp): Promise<RegExpExecArray> => {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
    check = () => {
      const found = pattern.exec(stripVTControlCharacters(output))
      if (found === null) return
      output = ''
      resolve(found)
    }
    const timer = setTimeout(() => reject(new Error(`no ${String(pattern)} in\n${output}`)), WAIT_MS)
    check()
    return await promise.finally(() => clearTimeout(timer))
  }

  let url = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ampoule-keys-'))
    await writeFile(join(folder, 'ampoule.jsonc'), configuration({ fn: { source: 'fn.ts' } }))
    await writeFile(join(folder, 'fn.ts'), answering('here'))
    const command = [process.execPath, ...NODE_FLAGS, MAIN, 'dev', '--port', '0'].map((word) => `'${word}'`).join(' ')
    // A machine without a browser: nothing may be opened.
    terminal = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: folder,
      env: { ...process.env, PATH: '/usr/bin:/bin', TERM: 'xterm' },
    })
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      check()
    })
    ended = new Promise((resolve) => terminal.once('close', resolve))
    const [, found = ''] = await said(/ampoule dev +(http:\/\/\S+)[^]*r invoke again/)
    url = found
  }, WAIT_MS)
  afterAll(async () => {
    terminal.kill()
    await rm(folder, { recursive: true, force: true })
  })

  test('r says so when there was no request, and then sends the last one again', async () => {
    terminal.stdin.write('r')
    await said(/there was no request yet/)
    expect(await (await fetch(`${url}/fn/again?a=1`)).text()).toBe('here')
    await said(/✓ GET \/fn\/again\?a=1 200/)
    terminal.stdin.write('r')
    await said(/✓ GET \/fn\/again\?a=1 200/)
  })

  test('h shows the keys, c clears and shows where everything is', async () => {
    terminal.stdin.write('h')
    expect((await said(/r invoke again.*/))[0]).toMatch(/r invoke again +o open +c clear +q quit/)
    terminal.stdin.write('c')
    await said(/ampoule dev +http[^]*fn +http/)
  })

  test('q quits, and the terminal is as it was before', async () => {
    terminal.stdin.write('q')
    expect(await ended).toBe(0)
  })
})

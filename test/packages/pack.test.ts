import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { binFolder, findOldNode, mustRun, nodeFolder, pack, removePacked, run, unpack, type Packed } from './packages.ts'

const oldNode = await findOldNode()
const TIMEOUT_MS = 120_000

let packed: Packed
/** An empty folder in which both were installed. */
let folder: string
let modules: string
beforeAll(async () => {
  packed = await pack()
  folder = join(packed.folder, 'empty')
  modules = join(folder, 'node_modules')
  await unpack(packed, modules)
}, 300_000)
afterAll(() => removePacked(packed))

const env = () => ({ XDG_CACHE_HOME: join(packed.folder, 'cache') })
const ampoule = (cwd: string, ...args: readonly string[]) =>
  mustRun(process.execPath, [join(modules, 'ampoule/bin/ampoule.mjs'), ...args], { cwd, env: env() })

async function project(template: string): Promise<string> {
  const name = `of-${template}-${(await readdir(folder)).length}`
  await ampoule(folder, 'init', name, '--template', template)
  await symlink(modules, join(folder, name, 'node_modules'), 'junction')
  return join(folder, name)
}

describe.each(['ampoule', '@ampoule/guest'])('the package %s', (name) => {
  test('runs from JavaScript and data, and has a declaration for each module', async () => {
    const files = await readdir(join(modules, name, 'dist'), { recursive: true, withFileTypes: true })
    const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name))
    expect(paths.filter((path) => !/\.(?:js|json|d\.ts)$/.test(path))).toEqual([])
    const modulesWithout = paths.filter((path) => path.endsWith('.js') && !existsSync(path.replace(/js$/, 'd.ts')))
    expect(modulesWithout).toEqual([])
  })

  test('brings every file that its modules name by URL or import', async () => {
    const missing: string[] = []
    const dist = join(modules, name, 'dist')
    for (const file of await readdir(dist, { recursive: true })) {
      if (!file.endsWith('.js')) continue
      const code = (await readFile(join(dist, file), 'utf8')).replaceAll(/^ *\*.*$/gm, '')
      for (const [, path = ''] of code.matchAll(/(?:new URL\(|^(?:import|export) .*from |import\()'(\.[^']*)'/gm)) {
        const target = resolve(dirname(join(dist, file)), path)
        // The folder of the cache is made when it is needed.
        if (!existsSync(target) && !path.includes('.cache/')) missing.push(`${file}: ${path}`)
      }
    }
    expect(missing).toEqual([])
  })

  test('has nothing that its manifest says and its files do not', async () => {
    const { messages } = await publint({ pkgDir: join(modules, name), strict: true, pack: false })
    expect(messages).toEqual([])
  })
})

test('the host’s package brings engines, templates and the schema', () => {
  const wanted = [
    'prebuilt/starlingmonkey.wasm',
    'prebuilt/quickjs.wasm',
    'schema/ampoule.schema.json',
    'templates/hono/_gitignore',
  ]
  expect(wanted.filter((file) => !existsSync(join(modules, 'ampoule', file)))).toEqual([])
})

describe('a new project', () => {
  test.each(['typescript', 'hono', 'lambda'])(
    'of the template %s passes its own check and tests',
    async (template) => {
      const cwd = await project(template)
      const path = `${binFolder(modules)}:${nodeFolder()}`
      await mustRun('npm', ['run', 'check'], { cwd, path, env: env() })
      expect(await mustRun('npm', ['test'], { cwd, path, env: env() })).toMatch(/Tests .*\d+ passed/)
    },
    TIMEOUT_MS,
  )

  test(
    'is built and served',
    async () => {
      const cwd = await project('typescript')
      await ampoule(cwd, 'build')
      expect(await greeting(cwd, process.execPath)).toBe('Hello, you!')
    },
    TIMEOUT_MS,
  )

  test.skipIf(oldNode === undefined)(
    'is served and tested on a Node that is too old (needs a node 20 to 25 on PATH)',
    async () => {
      const cwd = await project('typescript')
      const node = join(oldNode ?? '', 'node')
      expect(await greeting(cwd, node)).toBe('Hello, you!')
      const tests = await run(node, [join(modules, 'ampoule/bin/ampoule.mjs'), 'test'], { cwd, env: env() })
      expect(tests.stdout).toMatch(/Tests .*\d+ passed/)
      const alone = await run(node, [join(modules, 'vitest/vitest.mjs'), 'run'], { cwd, env: env() })
      expect(alone.code).not.toBe(0)
      expect(alone.stdout + alone.stderr).toContain('run the tests with "npx ampoule test"')
    },
    TIMEOUT_MS,
  )
})

test('tests without the host say what to install', async () => {
  const cwd = join(packed.folder, 'alone')
  await mkdir(join(cwd, 'node_modules/@ampoule/guest'), { recursive: true })
  await mustRun('tar', ['-xzf', packed.guest, '--strip-components=1'], { cwd: join(cwd, 'node_modules/@ampoule/guest') })
  await writeFile(join(cwd, 'test.mjs'), "import { load } from '@ampoule/guest/testing'\nawait load('./index.ts')\n")
  const { code, stderr } = await run(process.execPath, ['test.mjs'], { cwd })
  expect(code).toBe(1)
  expect(stderr).toContain('npm install --save-dev ampoule')
})

/** What the function says when `ampoule serve` runs it, which is ended afterwards and ends well. */
async function greeting(cwd: string, node: string): Promise<string> {
  const args = [join(modules, 'ampoule/bin/ampoule.mjs'), 'serve', '--port', '0']
  const host = spawn(node, args, { cwd, env: { ...process.env, ...env() }, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(host, 'exit')
  try {
    const url = await new Promise<string>((found, failed) => {
      let said = ''
      const read = (text: Buffer): void => {
        said += text.toString()
        const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? []
        if (url !== undefined) found(url)
      }
      host.stdout.on('data', read)
      host.stderr.on('data', read)
      host.once('exit', () => failed(new Error(`serve ended: ${said}`)))
      AbortSignal.timeout(TIMEOUT_MS / 2).addEventListener('abort', () => failed(new Error(`serve does not listen: ${said}`)))
    })
    const response = await fetch(`${url}/${basename(cwd)}/?name=you`, { signal: AbortSignal.timeout(TIMEOUT_MS / 4) })
    const { message } = (await response.json()) as { message: string }
    return message
  } finally {
    host.kill('SIGTERM')
    const [code] = (await ended) as [number | null]
    expect(code).toBe(0)
  }
}

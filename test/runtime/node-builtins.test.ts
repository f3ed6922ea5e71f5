import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from '../../src/build/bundle.ts'
import { AuthorError } from '../../src/build/diagnostics.ts'
import { NODE_MODULES } from '../../src/build/node-builtins.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ampoule-test-node-builtins-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let projects = 0
/** The bundle of a project, as a script for QuickJS. */
async function script(files: Record<string, string>): Promise<string> {
  const root = join(folder, `project${projects++}`)
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return (await bundle(join(root, 'index.ts'), 'quickjs', 'script')).code
}

const installed = (name: string, code: string): Record<string, string> => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({ name, main: 'main.js' }),
  [`node_modules/${name}/main.js`]: code,
})

describe('a module of Node.js', () => {
  test.each(NODE_MODULES.flatMap((name) => [name, `node:${name}`]))('%s is bundled whole', async (specifier) => {
    const code = await script({
      'index.ts': `import all from '${specifier}'\nimport * as named from '${specifier}'\nexport const handler = () => [all, named]`,
    })
    expect(code).not.toMatch(/\bfrom ["']node:|\brequire\(["']node:/)
  })

  test.each(['node:net', 'dns', 'node:child_process', 'net/promises', 'node:none'])('%s fails the build', async (specifier) => {
    const error: unknown = await script({
      'index.ts': `const a = 1\nimport x from '${specifier}'\nexport const handler = () => x ?? a`,
    }).catch((reason: unknown) => reason)
    if (!(error instanceof AuthorError)) throw error
    expect(error.message).toContain(`'${specifier}'`)
    if (specifier !== 'net/promises') {
      expect(error.message).toContain('is not one of the modules of Node.js that functions have')
      for (const name of NODE_MODULES) expect(error.message).toContain(name)
    }
    expect(error.position).toMatchObject({ line: 2 })
    expect(error.position?.file.endsWith('/index.ts')).toBe(true)
  })

  test('gives way to an installed package of its name, unless it is asked for with node:', async () => {
    const files = installed('events', 'module.exports = "the package"')
    expect(await script({ ...files, 'index.ts': "import e from 'events'\nexport const handler = () => e" })).toContain(
      'the package',
    )
    const code = await script({ ...files, 'index.ts': "import e from 'node:events'\nexport const handler = () => e" })
    expect(code).not.toContain('the package')
  })

  test('that a package asks for with require and that is missing throws where it is asked for', async () => {
    const code = await script({
      ...installed('careful', 'try { exports.net = require("net") } catch (error) { exports.code = error.code }'),
      'index.ts': "import careful from 'careful'\nexport const handler = () => careful",
    })
    expect(await run(code)).toEqual({ code: 'MODULE_NOT_FOUND' })
  })

  test('is to require what its default export is: a class, for events', async () => {
    const code = await script({
      ...installed(
        'old',
        'const Emitter = require("events"); class Own extends Emitter {} exports.is = new Own() instanceof Emitter.EventEmitter',
      ),
      'index.ts': "import old from 'old'\nexport const handler = () => old",
    })
    expect(await run(code)).toEqual({ is: true })
  })
})

/** What the script's handler answers, in this process. */
async function run(code: string): Promise<unknown> {
  let handler: (() => unknown) | undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion, no-eval -- as the runtime evaluates it
  const topLevel = (0, eval)(code) as (handOver: (exports: { handler: () => unknown }) => void) => unknown
  await topLevel((exports) => (handler = exports.handler))
  return handler?.()
}

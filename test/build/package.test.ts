import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildPackage } from '../../src/build/package.ts'
import { buildScript } from '../../src/build/script.ts'

let folder: string
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'ampoule-test-package-')))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let projects = 0
async function project(files: Record<string, string>): Promise<string> {
  const root = join(folder, `project${projects++}`)
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return root
}

/** Where a text of the code comes from, as `file:line`. */
function originOf(text: string, { code, map }: { readonly code: string; readonly map: SourceMapPayload }): string {
  const before = code.slice(0, code.indexOf(text)).split('\n')
  const entry = new SourceMap(map).findEntry(before.length - 1, before.at(-1)?.length ?? 0)
  if (!('originalSource' in entry)) throw new Error(`nothing is known of ${text}`)
  return `${entry.originalSource}:${entry.originalLine + 1}`
}

const FILES = {
  'index.ts':
    "import { shout } from './lib/shout.ts'\n\nexport default { fetch: () => new Response(shout('hi')) }\nexport const handler = shout\n",
  'lib/shout.ts':
    "interface Unused {}\nexport type { Unused }\nexport const shout = (text: string): string => text.toUpperCase() + '!'\n",
}

describe('a package', () => {
  test('is one module with the exports of the entry, and imports nothing', async () => {
    const root = await project({
      ...FILES,
      'lib/other.ts': "import { join } from 'node:path'\nexport const handler = () => join('a', 'b')",
    })
    const { code, exports } = await buildPackage({ entry: join(root, 'index.ts') })
    expect(exports.toSorted()).toEqual(['default', 'handler'])
    const module = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as { handler: (text: string) => string }
    expect(module.handler('a')).toBe('A!')
    const other = await buildPackage({ entry: join(root, 'lib/other.ts') })
    expect(other.code).not.toMatch(/^import /m)
  })

  test('has a map to the author’s files, with their content', async () => {
    const root = await project(FILES)
    const built = await buildPackage({ entry: join(root, 'index.ts') })
    expect(originOf("text.toUpperCase() + '!'".replaceAll("'", '"'), built)).toBe(`${join(root, 'lib/shout.ts')}:3`)
    expect(built.map.sourcesContent).toContain(FILES['lib/shout.ts'])
  })

  test('leaves what may be in a layer as an import only when there are layers, and never a file of its own', async () => {
    const root = await project({
      'index.ts': "import { a } from 'layered'\nimport b from '/opt/b.js'\nexport const handler = () => a(b)",
      'wrong.ts': "import './nowhere.ts'\nexport const handler = () => 1",
    })
    const entry = join(root, 'index.ts')
    const { code } = await buildPackage({ entry, layers: true })
    expect(code).toMatch(/from "layered"[^]*from "\/opt\/b\.js"/)
    await expect(buildPackage({ entry })).rejects.toMatchObject({ code: 'BuildFailed', position: { file: entry } })
    await expect(buildPackage({ entry: join(root, 'wrong.ts'), layers: true })).rejects.toThrow(
      "Could not resolve './nowhere.ts'",
    )
  })

  test('cannot import interfaces of the host', async () => {
    const root = await project({ 'index.ts': "import 'wasi:cli/environment@0.2.0'\nexport const handler = () => 1" })
    await expect(buildPackage({ entry: join(root, 'index.ts') })).rejects.toThrow(
      "'wasi:cli/environment@0.2.0' cannot be imported",
    )
  })
})

describe('a script of a module that was built before', () => {
  /** What another tool makes of {@link FILES}, with its map beside it. */
  async function built(map: (own: SourceMapPayload, root: string) => string, name = 'index.mjs.map'): Promise<string> {
    const root = await project(FILES)
    const made = await buildPackage({ entry: join(root, 'index.ts') })
    return project({
      'index.mjs': `${made.code}\n//# sourceMappingURL=${name}\n`,
      'index.mjs.map': map({ ...made.map, sources: ['src/lib/shout.ts', 'src/index.ts'] }, root),
    })
  }
  const place = async (root: string): Promise<string> =>
    originOf('text.toUpperCase()', await buildScript({ entry: join(root, 'index.mjs'), within: root }))

  test('has places in the files that the module was built of', async () => {
    const root = await built((map) => JSON.stringify(map))
    expect(await place(root)).toBe(`${join(root, 'src/lib/shout.ts')}:3`)
  })

  test.each<[string, (map: SourceMapPayload) => string]>([
    ['is no JSON', () => '{'],
    ['is of another form', () => '[]'],
    ['has no content', (map) => JSON.stringify({ ...map, sourcesContent: undefined })],
    ['names files without their content', (map) => JSON.stringify({ ...map, sourcesContent: [null, null] })],
    ['has no mappings', (map) => JSON.stringify({ ...map, mappings: 5 })],
    ['has mappings that lead nowhere', (map) => JSON.stringify({ ...map, mappings: 'AAAA;A+gggggB' })],
    ['is of fewer files than it says', (map) => JSON.stringify({ ...map, sources: ['src/a.ts'], sourcesContent: ['a'] })],
  ])('passes over a map that %s', async (_, map) => {
    const root = await built(map)
    expect(await place(root)).toMatch(/index\.mjs:\d+$/)
  })

  test.each(['../index.mjs.map', '/etc/passwd', 'nowhere.map', '..', 'data:application/json;base64,e30='])(
    'does not look for its map at %s',
    async (name) => {
      const root = await built((map) => JSON.stringify(map), name)
      expect(await place(root)).toMatch(/index\.mjs:\d+$/)
    },
  )
})

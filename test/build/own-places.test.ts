import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildScript } from '../../src/build/script.ts'

let root: string
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'ampoule-own-places-')))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** What the script's handler answers, in this process. */
async function run(files: Readonly<Record<string, string>>): Promise<unknown> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  const { code } = await buildScript({ entry: join(root, 'var/task/index.ts'), within: root })
  let handler: (() => unknown) | undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion, no-eval -- as the runtime evaluates it
  const topLevel = (0, eval)(code) as (handOver: (exports: { handler: () => unknown }) => void) => unknown
  await topLevel((exports) => (handler = exports.handler))
  return handler?.()
}

describe('a module of a function', () => {
  it('finds where it will be when it runs, by every name for that, and in no other text', async () => {
    expect(
      await run({
        'var/task/index.ts': `import { places } from './lib/a b.cjs'
const wanted: string = import.meta.url
export const handler = () => [wanted, import.meta.dirname, import.meta.filename, 'import.meta.url', places(), inner({ __dirname: 1 })]
const inner = ({ __dirname }: { __dirname: number }): number => __dirname`,
        'var/task/lib/a b.cjs': 'exports.places = () => [__dirname, __filename]',
      }),
    ).toEqual([
      'file:///var/task/index.ts',
      '/var/task',
      '/var/task/index.ts',
      'import.meta.url',
      ['/var/task/lib', '/var/task/lib/a b.cjs'],
      1,
    ])
  })

  it('is told the place of a mistake that stands beside them', async () => {
    const broken = run({ 'var/task/index.ts': 'const a = 1\nconst b = import.meta.url +\nexport const handler = () => a + b' })
    await expect(broken).rejects.toMatchObject({ position: { line: 3 } })
  })
})

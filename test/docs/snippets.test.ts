import { execFile, spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readConfiguration } from '../../src/functions/configuration.ts'
import { needsMark, parseFences, parseTranscript, pattern, type Fence } from './fences.ts'
import { Reader } from './session.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT }).toSorted()].map((path) => ({
  path: path.replaceAll('\\', '/'),
  fences: parseFences(readFileSync(`${ROOT}/${path}`, 'utf8')),
}))
const place = (path: string, { line, language }: Fence): string => `${path}:${line} (${language})`

test('every block that readers copy says how it is tested, or why it is not', () => {
  const forgotten = pages.flatMap(({ path, fences }) =>
    fences.filter((fence) => needsMark(fence) && fence.mark === undefined).map((fence) => place(path, fence)),
  )
  expect(forgotten, 'see "Code in the documentation" in CONTRIBUTING.md').toEqual([])
})

test('what a page gives as a file is used by a command of that page', () => {
  const unused = pages.filter(
    ({ fences }) =>
      fences.some(({ mark }) => mark?.kind === 'file' || mark?.kind === 'save') &&
      !fences.some(({ mark }) => mark?.kind === 'run'),
  )
  expect(unused.map(({ path }) => path)).toEqual([])
})

const configurations = pages.flatMap(({ path, fences }) =>
  fences
    .filter(({ mark }) => mark?.kind === 'config' || (mark?.kind === 'file' && mark.path.endsWith('ampoule.jsonc')))
    .map((fence) => ({ at: place(path, fence), text: fence.text })),
)
test.each(configurations)('the configuration at $at is accepted', ({ at, text }) => {
  expect(readConfiguration(text, { file: at }).functions.length).toBeGreaterThan(0)
})

const runnable = pages.filter(({ fences }) => fences.some(({ mark }) => mark?.kind === 'run'))
const missing = ['sh', 'curl', 'openssl'].filter((tool) => spawnSync(tool, ['--version']).error !== undefined)
const without = missing.length === 0 ? '' : ` (not here: ${missing.join(', ')})`
describe.skipIf(missing.length > 0)(`a reader who copies a page sees what it says${without}`, () => {
  test.each(runnable)('$path', { timeout: 300_000 }, async (page) => {
    expect(await firstDifference(page)).toBe('')
  })
})

/** Where the page says something else than what a reader sees, and what that is. */
async function firstDifference({ path, fences }: (typeof pages)[number]): Promise<string> {
  const reader = await Reader.start()
  try {
    for (const { mark, text } of fences) if (mark?.kind === 'file') await reader.write(mark.path, text)
    for (const fence of fences) {
      if (fence.mark?.kind === 'file') continue
      const difference = await reader.follow(fence).then(
        () => undefined,
        (error: unknown) => `${place(path, fence)}: ${(error as Error).message}`,
      )
      if (difference !== undefined) return difference
    }
    return ''
  } finally {
    await reader.close()
  }
}

test('functions in the documentation have no type errors, as strict as in a new project', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ampoule-docs-types-'))
  try {
    for (const [index, { fences }] of pages.entries())
      for (const { language, mark, text } of fences) {
        if (language !== 'ts' || mark?.kind !== 'file') continue
        const path = join(folder, `${index}`, mark.path)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, text)
      }
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    const paths = {
      '@ampoule/guest': [join(ROOT, 'guest-sdk/index.ts')],
      '@ampoule/guest/testing': [join(ROOT, 'guest-sdk/testing.ts')],
      'ampoule/testing': [join(ROOT, 'src/testing/index.ts')],
    }
    const config = {
      extends: join(ROOT, 'templates/typescript/tsconfig.json'),
      // The last is for the host, which the types of `load` lead to.
      compilerOptions: { types: ['node'], paths, exactOptionalPropertyTypes: true },
      include: ['**/*.ts', join(ROOT, 'types')],
      exclude: ['node_modules'],
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const errors = await new Promise((resolve) => {
      execFile(process.execPath, [tsc, '-p', folder], { timeout: 100_000 }, (error, stdout) =>
        resolve(stdout || (error?.message ?? '')),
      )
    })
    expect(errors).toBe('')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}, 120_000)

describe('the marks', () => {
  test('a block that has an unknown mark is refused', () => {
    expect(() => parseFences('```ts fil=a.ts\n```\n')).toThrow('line 1: "fil=a.ts" is none of')
  })

  test('a block that is not closed is refused', () => {
    expect(() => parseFences('# a\n```ts\n')).toThrow('line 2: the block is not closed')
  })

  test('a transcript is commands, each with its output', () => {
    expect(parseTranscript('$ a \\\n  b\none\n\n$ c\n')).toEqual([
      { command: 'a \\\n  b', expected: 'one' },
      { command: 'c', expected: '' },
    ])
  })

  test('an ellipsis stands for anything, everything else for itself', () => {
    expect(pattern('a.b … c').test('a.b 1\n2 c')).toBe(true)
    expect(pattern('a.b … c').test('axb 1 c')).toBe(false)
  })
})

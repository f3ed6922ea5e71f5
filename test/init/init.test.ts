import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfiguration } from '../../src/functions/configuration.ts'
import { listTemplates, packageName } from '../../src/init/project.ts'
import { run } from '../cli/ampoule.ts'

let folder: string
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'ampoule-init-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const templates = await listTemplates()

interface Manifest {
  readonly version: string
  readonly dependencies?: Record<string, string>
  readonly devDependencies?: Record<string, string>
}

describe('ampoule init', () => {
  test.each(templates.map(({ name }) => name))('makes a project of the template %s with a valid configuration', async (name) => {
    const target = join(folder, `of-${name}`)
    const { code, stdout } = await run(['init', target, '--template', name, '--json'])
    expect(code).toBe(0)
    const { files } = JSON.parse(stdout) as { files: readonly string[] }
    expect(files).toContain('ampoule.jsonc')
    expect(files).toContain('.gitignore')
    expect(files).not.toContain('template.json')
    for (const file of files) expect(await readFile(join(target, file), 'utf8')).not.toContain('{{name}}')
    const { functions } = readConfiguration(await readFile(join(target, 'ampoule.jsonc'), 'utf8'), { file: 'ampoule.jsonc' })
    expect(functions.map((fn) => fn.name)).toEqual([`of-${name}`])
    expect(files).toContain(functions[0]?.source?.replace(/^\.\//, ''))
  })

  test('asks npm for the versions that this repository has', async () => {
    const read = async (path: string) => JSON.parse(await readFile(join(ROOT, path), 'utf8')) as Manifest
    const [host, guest] = await Promise.all([read('package.json'), read('guest-sdk/package.json')])
    const here: Partial<Record<string, string>> = {
      ...host.dependencies,
      ...host.devDependencies,
      ampoule: host.version,
      '@ampoule/guest': guest.version,
    }
    const manifests = await Promise.all(
      templates.filter(({ next }) => next.includes('npm install')).map(({ name }) => read(`templates/${name}/package.json`)),
    )
    expect(manifests.length).toBeGreaterThan(0)
    const asked = manifests.flatMap((one) => Object.entries({ ...one.dependencies, ...one.devDependencies }))
    expect(asked.filter(([name, wanted]) => wanted.replace('^', '') !== here[name])).toEqual([])
  })

  test('says what to do next', async () => {
    const { stdout } = await run(['init', join(folder, 'next'), '--template', 'hono'])
    expect(stdout).toMatch(/Next:\n {2}cd .*next\n {2}npm install\n {2}npm run dev\n/)
  })

  test('overwrites nothing, and then writes nothing at all', async () => {
    const target = await mkdtemp(join(folder, 'taken-'))
    await writeFile(join(target, 'package.json'), '{}')
    const { code, stderr } = await run(['init', target, '--template', 'typescript'])
    expect(code).toBe(2)
    expect(stderr).toContain('package.json would be overwritten')
    expect(await readdir(target)).toEqual(['package.json'])
  })

  test('without a template lists them', async () => {
    const { code, stderr } = await run(['init', join(folder, 'none')])
    expect(code).toBe(2)
    for (const { name, about } of templates) expect(stderr).toMatch(new RegExp(`${name} +${about.replaceAll(/[()]/g, '.')}`))
    expect(await readdir(folder)).not.toContain('none')
  })

  test('suggests a template for one that is not there', async () => {
    const { code, stderr } = await run(['init', join(folder, 'wrong'), '--template', 'typscript'])
    expect(code).toBe(2)
    expect(stderr).toContain('Did you mean "typescript"?')
  })
})

test.each([
  ['My Shop', 'my-shop'],
  ['2fast', 'fast'],
  ['ünï', 'uni'],
  ['--', 'functions'],
])('the name of a project in %s is %s', (title, name) => {
  expect(packageName(title)).toBe(name)
})

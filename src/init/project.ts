import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AmpouleError } from '../errors.ts'

const TEMPLATES = fileURLToPath(new URL('../../templates/', import.meta.url))
const PACKAGE = fileURLToPath(new URL('../../', import.meta.url))

/** The description of a template; not part of the project. */
const MANIFEST = 'template.json'

export interface Template {
  readonly name: string
  readonly title: string
  readonly about: string
  /** Their order in lists. */
  readonly order: number
  /** Commands to go on with, in the new folder. */
  readonly next: readonly string[]
  /** Files of this package that are copied as well: path in the package to path in the project. */
  readonly copy?: Readonly<Record<string, string>>
}

/** The templates that come with this package, in their order. */
export async function listTemplates(): Promise<readonly Template[]> {
  const entries = await readdir(TEMPLATES, { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  const templates = await Promise.all(
    folders.map(async (name) => {
      const manifest: unknown = JSON.parse(await readFile(join(TEMPLATES, name, MANIFEST), 'utf8'))
      return { ...(manifest as Omit<Template, 'name'>), name }
    }),
  )
  return templates.toSorted((a, b) => a.order - b.order)
}

/**
 * Writes a template's files into `folder`, which is made when it is missing. Gives their paths in it. Rejects with `InvalidRequest`,
 * and has written nothing then, when any of them is there already.
 */
export async function createProject(template: Template, folder: string, title: string): Promise<readonly string[]> {
  const source = join(TEMPLATES, template.name)
  const own = (await readdir(source, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== MANIFEST)
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ from: path, to: asWritten(path.slice(source.length + 1)) }))
  const copied = Object.entries(template.copy ?? {}).map(([from, to]) => ({ from: join(PACKAGE, from), to }))
  const files = [...own, ...copied].toSorted((a, b) => a.to.localeCompare(b.to))
  const taken = await existing(files.map(({ to }) => join(folder, to)))
  if (taken.length > 0) {
    throw new AmpouleError(
      'InvalidRequest',
      `nothing was written: ${taken.map((path) => path.slice(folder.length + 1)).join(', ')} would be overwritten; choose another folder`,
    )
  }
  const name = packageName(title)
  for (const { from, to } of files) {
    const path = join(folder, to)
    await mkdir(dirname(path), { recursive: true })
    const text = await readFile(from, 'utf8')
    // `wx`: what came between the look and the writing is not overwritten either.
    await writeFile(path, text.replaceAll('{{name}}', name), { flag: 'wx' })
  }
  return files.map(({ to }) => to)
}

/** npm leaves files of that name out of packages. */
const asWritten = (path: string): string => path.replace(/(^|[/\\])_gitignore$/, '$1.gitignore')

async function existing(paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    paths.map((path) =>
      lstat(path).then(
        () => [path],
        () => [],
      ),
    ),
  )
  return found.flat()
}

/** What npm, cargo and others take as a name: lower case letters, digits and hyphens, a letter first. */
export function packageName(title: string): string {
  const plain = title
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
  return plain === '' ? 'functions' : plain.slice(0, 60)
}

import { execFile, type ExecFileException } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))

/** What packing reads. */
const PARTS = ['package.json', 'tsconfig.json', 'bin', 'src', 'guest-sdk', 'templates', 'schema', 'types', 'LICENSE', 'README.md']

/** The machine may be busy with other tests. */
const DEADLINE_MS = 240_000

export interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end; `path` comes first in the programs' search path. */
export function run(
  file: string,
  args: readonly string[],
  { cwd, path, env }: { readonly cwd: string; readonly path?: string; readonly env?: Readonly<Record<string, string>> },
): Promise<Run> {
  const PATH = path === undefined ? process.env['PATH'] : `${path}${delimiter}${process.env['PATH']}`
  const clean = Object.entries(process.env).filter(([name]) => !/^(?:VITEST|NODE_ENV|npm_)/i.test(name))
  return new Promise((resolve) => {
    execFile(
      file,
      args,
      { cwd, env: { ...Object.fromEntries(clean), ...env, PATH }, timeout: DEADLINE_MS, maxBuffer: 64 * 1024 * 1024 },
      (error: ExecFileException | null, stdout, stderr) =>
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr }),
    )
  })
}

/** As {@link run}; throws with all that was said unless it ends well. */
export async function mustRun(...call: Parameters<typeof run>): Promise<string> {
  const { code, stdout, stderr } = await run(...call)
  if (code !== 0) throw new Error(`${call[0]} ${call[1].join(' ')} ended with ${code}\n${stdout}\n${stderr}`)
  return stdout
}

export interface Packed {
  /** Made for the test; whoever packs removes it. */
  readonly folder: string
  /** Paths of the tarballs. */
  readonly host: string
  readonly guest: string
}

/** Packs both packages with `npm pack` in a copy of the repository, which packing leaves as it is. */
export async function pack(): Promise<Packed> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'ampoule-pack-')))
  const copy = join(folder, 'repository')
  for (const part of PARTS) await cp(join(REPOSITORY, part), join(copy, part), { recursive: true })
  await symlink(join(REPOSITORY, 'node_modules'), join(copy, 'node_modules'), 'junction')
  // Or the engines would be built anew.
  await mkdir(join(REPOSITORY, '.cache/engines'), { recursive: true })
  await mkdir(join(copy, '.cache'))
  await symlink(join(REPOSITORY, '.cache/engines'), join(copy, '.cache/engines'), 'junction')
  for (const part of ['.', './guest-sdk']) await mustRun('npm', ['pack', part, '--pack-destination', folder], { cwd: copy })
  const left = (await readdir(copy)).filter((name) => name === 'dist' || name === 'prebuilt')
  if (left.length > 0) throw new Error(`packing has left ${left.join(', ')}`)
  const tarballs = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
  const [guest] = tarballs.filter((name) => name.startsWith('ampoule-guest-'))
  const [host] = tarballs.filter((name) => name !== guest)
  if (guest === undefined || host === undefined) throw new Error(`packed: ${tarballs.join(', ')}`)
  return { folder, host: join(folder, host), guest: join(folder, guest) }
}

/** What npm would install from the tarballs, without a network: other packages are links to the repository's. */
export async function unpack({ host, guest }: Packed, modules: string): Promise<void> {
  await mkdir(join(modules, '.bin'), { recursive: true })
  const installed = join(REPOSITORY, 'node_modules')
  for (const name of await readdir(installed)) {
    if (name.startsWith('.') || name === 'ampoule' || name === '@ampoule') continue
    await symlink(join(installed, name), join(modules, name), 'junction')
  }
  for (const [tarball, name] of [
    [host, 'ampoule'],
    [guest, '@ampoule/guest'],
  ] as const) {
    const target = join(modules, name)
    await mkdir(target, { recursive: true })
    await mustRun('tar', ['-xzf', tarball, '--strip-components=1'], { cwd: target })
  }
  await chmod(join(modules, 'ampoule/bin/ampoule.mjs'), 0o755)
  await symlink('../ampoule/bin/ampoule.mjs', join(modules, '.bin/ampoule'))
  await symlink('../typescript/bin/tsc', join(modules, '.bin/tsc'))
}

/** The folder of a Node that is too old for Ampoule, where this machine has one. */
export async function findOldNode(): Promise<string | undefined> {
  for (const folder of new Set((process.env['PATH'] ?? '').split(delimiter))) {
    const { code, stdout } = await run(join(folder, 'node'), ['--version'], { cwd: tmpdir() })
    const major = Number(/^v(\d+)/.exec(stdout)?.[1])
    if (code === 0 && major >= 20 && major < 26) return folder
  }
  return undefined
}

export const removePacked = ({ folder }: Packed): Promise<void> => rm(folder, { recursive: true, force: true })

export const binFolder = (modules: string): string => join(modules, '.bin')

export const nodeFolder = (): string => dirname(process.execPath)

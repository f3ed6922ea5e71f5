import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { debianPackages, isInstalled, quiet, unpackDebian, unpacked, which } from './unpacked.ts'

export interface Said {
  readonly stdout: string
  readonly stderr: string
  readonly code: number
}

export interface AwsCli {
  /** Such as `aws-cli/2.9.19`. */
  readonly version: string
  /** Runs it against a host, with nothing of this machine's own configuration. Resolves whatever it says. */
  run(args: readonly string[], options: { readonly endpoint: string; readonly cwd?: string }): Promise<Said>
}

/** The program to start, and what has to be before its arguments. */
interface Program {
  readonly path: string
  readonly before: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** A page is written where a person would wait; a call that hangs is a failure. */
const CALL_MS = 60_000

/** The `aws` of PATH, else Debian's package, unpacked once. `from` is for whoever wants that one. */
export function awsCli(from: 'path' | 'debian' = 'path'): AwsCli | { readonly missing: string } {
  const program = (from === 'path' ? onPath() : undefined) ?? fromDebian()
  if (program === undefined) return { missing: 'aws is not on PATH, and not to be had from Debian' }
  const { path, before, env } = program
  const version = execFileSync(path, [...before, '--version'], { ...quiet, env: { ...env, HOME: tmpdir() } })
  return {
    version: version.split(' ')[0] ?? '',
    async run(args, { endpoint, cwd }) {
      const home = await mkdtemp(join(tmpdir(), 'ampoule-aws-'))
      try {
        return await new Promise<Said>((resolve) => {
          const options = { cwd: cwd ?? home, env: { ...env, ...isolated(home) }, timeout: CALL_MS, maxBuffer: 64 * 1024 * 1024 }
          execFile(path, [...before, '--endpoint-url', endpoint, ...args], options, (error, stdout, stderr) =>
            resolve({ stdout, stderr, code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1 }),
          )
        })
      } finally {
        await rm(home, { recursive: true, force: true })
      }
    },
  }
}

const isolated = (home: string): Record<string, string> => ({
  HOME: home,
  AWS_CONFIG_FILE: join(home, 'config'),
  AWS_SHARED_CREDENTIALS_FILE: join(home, 'credentials'),
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'any',
  AWS_SECRET_ACCESS_KEY: 'any',
  AWS_MAX_ATTEMPTS: '1',
  AWS_PAGER: '',
  NO_PROXY: '*',
  LC_ALL: 'C.UTF-8',
  PYTHONDONTWRITEBYTECODE: '1',
})

function onPath(): Program | undefined {
  const path = which('aws')
  return path === undefined ? undefined : { path, before: [], env: { PATH: process.env['PATH'] ?? '' } }
}

function fromDebian(): Program | undefined {
  const folder = unpacked('aws-cli', (draft) => {
    // Help pages (groff) and the libraries of every Debian are not needed. Python itself only where there is none.
    const ofItself = /^(?:awscli|docutils-common|python3-(?!minimal))/
    const ofPython = /^(?:libpython3|python3(?:$|[.]|-minimal))/
    const all = debianPackages(['awscli'])
    unpackDebian(
      draft,
      all.filter((name) => ofItself.test(name) || (ofPython.test(name) && !isInstalled('python3'))),
    )
  })
  if (folder === undefined) return undefined
  const root = join(folder, 'root/usr')
  // Debian's own: its packages are for it alone.
  const python = which('python3', join(root, 'bin')) ?? '/usr/bin/python3'
  const home = python.startsWith(root) ? { PYTHONHOME: root } : undefined
  return {
    path: python,
    before: [join(root, 'bin/aws')],
    env: {
      PATH: [dirname(python), '/usr/bin', '/bin'].join(delimiter),
      PYTHONPATH: join(root, 'lib/python3/dist-packages'),
      ...home,
    },
  }
}

import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { AmpouleError } from '../../errors.ts'
import { BuildError } from '../error.ts'

const isWindows = process.platform === 'win32'

/**
 * Enough for programs to find themselves, their libraries and caches, a temporary folder and what they have to download; nothing that a function
 * could read.
 */
const PASSED_ON = `
  HOME USERPROFILE LOCALAPPDATA SystemRoot LANG TMPDIR TEMP TMP LD_LIBRARY_PATH DYLD_LIBRARY_PATH
  HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy SSL_CERT_FILE SSL_CERT_DIR
  CARGO_HOME RUSTUP_HOME RUSTUP_TOOLCHAIN VIRTUAL_ENV
  GOROOT GOPATH GOCACHE GOMODCACHE GOPROXY GOPRIVATE GOSUMDB GONOSUMDB GOTOOLCHAIN GOFLAGS`
  .trim()
  .split(/\s+/)

/** Compilers repeat themselves; the first errors are what the author needs. */
const MAX_OUTPUT = 256 * 1024

export interface ToolResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/**
 * The search path without the programs of npm packages, which npm puts in front when it runs a script: clang hands what it has made to any
 * `wasm-opt` that it finds, in whatever version some package brings.
 */
const withoutPackages = (searchPath: string): string =>
  searchPath
    .split(delimiter)
    .filter((folder) => !/[/\\]node_modules[/\\]\.bin[/\\]?$/.test(folder))
    .join(delimiter)

/** Runs the programs of one build: found on its search path, ended together with it. */
export class Tools {
  readonly searchPath: string
  readonly #signal: AbortSignal

  constructor(searchPath: string, signal: AbortSignal) {
    this.searchPath = searchPath
    this.#signal = signal
  }

  /** The same, with a folder that is searched first. */
  with(folder: string): Tools {
    return new Tools(`${folder}${delimiter}${this.searchPath}`, this.#signal)
  }

  /** The first program of that name on the search path. */
  async find(name: string): Promise<string | undefined> {
    const endings = isWindows ? ['.exe', '.cmd', '.bat'] : ['']
    for (const folder of this.searchPath.split(delimiter).filter((entry) => entry !== '')) {
      for (const ending of endings) {
        const path = join(folder, name + ending)
        if (await isExecutable(path)) return path
      }
    }
    return undefined
  }

  /** {@link find}, or a `BuildError`: `help` says what is missing and how it is installed. */
  async need(name: string, help: string): Promise<string> {
    const path = await this.find(name)
    if (path === undefined) throw new BuildError(`${name} is not on PATH. ${help}`, undefined)
    return path
  }

  /** Standard output of a program that is asked for its version or the like. */
  async ask(program: string, args: readonly string[], options?: RunOptions): Promise<string> {
    const { code, stdout, stderr } = await this.run(program, args, options)
    if (code !== 0)
      throw new BuildError(`${program} ${args.join(' ')} failed: ${firstLine(stderr)}`, undefined, { cause: stderr })
    return stdout.trim()
  }

  /** Runs a program to its end. Rejects with the signal's reason when the build is ended, after the program is gone. */
  async run(program: string, args: readonly string[], { cwd, env = {} }: RunOptions = {}): Promise<ToolResult> {
    this.#signal.throwIfAborted()
    const passed = PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))
    const child = spawn(program, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...Object.fromEntries(passed), PATH: withoutPackages(this.searchPath), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: compilers start linkers and compilers of their own.
      detached: !isWindows,
      shell: isWindows && /\.(cmd|bat)$/i.test(program),
    })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (output[name].length < MAX_OUTPUT) output[name] += text
      })
    }
    const kill = (): void => {
      if (child.pid === undefined || child.exitCode !== null) return
      try {
        if (isWindows) child.kill('SIGKILL')
        else process.kill(-child.pid, 'SIGKILL')
      } catch (error) {
        // ESRCH: it has ended by itself.
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
      }
    }
    this.#signal.addEventListener('abort', kill)
    process.once('exit', kill)
    try {
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once('error', (error) =>
          reject(new AmpouleError('BuildFailed', `${program} could not be started`, { cause: error })),
        )
        child.once('close', resolve)
      })
      this.#signal.throwIfAborted()
      return { code, ...output }
    } finally {
      this.#signal.removeEventListener('abort', kill)
      process.removeListener('exit', kill)
    }
  }
}

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )

export const firstLine = (text: string): string => text.trim().split('\n')[0] ?? ''

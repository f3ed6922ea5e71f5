import { fork, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AmpouleError } from '../errors.ts'
import type { BuildOptions, BuildPosition, BuildResult, BuildStage } from './contract.ts'
import type { FromChild, ToChild } from './messages.ts'

const CHILD = new URL('./child.ts', import.meta.url)

/** Where the child works; it must not be a folder above the temporary one, or componentize-js takes that for the project. */
const WORKING_DIRECTORY = fileURLToPath(new URL('.', import.meta.url))

const isWindows = process.platform === 'win32'

const DEFAULT_TIMEOUT_MS = 180_000

/** What of the environment a build gets: enough to find programs and a temporary folder, nothing that a function could read. */
const PASSED_ON = ['PATH', 'HOME', 'SystemRoot', 'LANG']

/** A build failure with its place in the author's files. */
export class BuildError extends AmpouleError {
  readonly position: BuildPosition | undefined

  constructor(message: string, position: BuildPosition | undefined, options?: { cause?: unknown }) {
    super(
      'BuildFailed',
      position === undefined ? message : `${position.file}:${position.line}:${position.column}: ${message}`,
      options,
    )
    this.position = position
  }
}

/**
 * Bundles a function's module and makes a component of it, in a process of its own, or takes the component from the cache when
 * the bundle (with our runtime), the world and the engine's version are the same as before. Rejects with a {@link BuildError}
 * (`BuildFailed`) that names file, line and column where the mistake is the author's.
 *
 * StarlingMonkey takes seconds and some 900 MB for each build: callers build one after the other.
 */
export async function buildFunction(options: BuildOptions): Promise<BuildResult> {
  const started = performance.now()
  const entry = resolve(options.entry)
  const { engine = 'starlingmonkey', kind = 'event', signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options
  const cacheDir = resolve(options.cacheDir)
  const progress = (stage: BuildStage, cached: boolean): void =>
    options.onProgress?.({ entry, stage, ms: performance.now() - started, cached })
  signal?.throwIfAborted()
  if (kind === 'wasi-http' && engine === 'quickjs') {
    throw new BuildError("kind 'wasi-http' needs engine 'starlingmonkey': QuickJS has no fetch events", undefined)
  }
  if (!(await isFile(entry))) throw new BuildError(`${entry} is not a file`, undefined)

  await mkdir(cacheDir, { recursive: true })
  const scratch = await mkdtemp(join(tmpdir(), 'ampoule-build-'))
  const child = new BuildProcess(scratch, timeoutMs, signal)
  try {
    progress('bundle', false)
    child.send({ type: 'bundle', entry, engine, kind })
    const bundled = await child.next('bundled')
    const path = join(cacheDir, `${bundled.hash}.wasm`)
    const sourceMapPath = join(cacheDir, `${bundled.hash}.js.map`)
    const cached = await isFile(path)
    progress('componentize', cached)
    if (!cached) {
      // Written beside its place and renamed: whoever finds the file finds all of it.
      const output = join(cacheDir, `${bundled.hash}.${process.pid}.${Date.now()}.tmp`)
      try {
        child.send({ type: 'componentize', output, sourceMapOutput: `${output}.map` })
        await child.next('componentized')
        await rename(`${output}.map`, sourceMapPath)
        await rename(output, path)
      } finally {
        await Promise.all([rm(output, { force: true }), rm(`${output}.map`, { force: true })])
      }
    }
    const component = new Uint8Array(await readFile(path))
    progress('done', cached)
    return { component, path, sourceMapPath, bytes: component.length, ms: performance.now() - started, cached }
  } finally {
    await child.end()
    await rm(scratch, { recursive: true, force: true })
  }
}

type Answer<T extends FromChild['type']> = Extract<FromChild, { type: T }>

/** The child and its end, whichever way it comes: an answer, its death, the deadline or the caller's signal. */
class BuildProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #timer: NodeJS.Timeout
  readonly #signal: AbortSignal | undefined
  #stderr = ''
  #failure: Error | undefined
  #waiting: { resolve: (message: FromChild) => void; reject: (error: Error) => void } | undefined

  constructor(scratch: string, timeoutMs: number, signal: AbortSignal | undefined) {
    const env = Object.fromEntries(
      PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
    )
    this.#child = fork(CHILD, [], {
      cwd: WORKING_DIRECTORY,
      env: { ...env, TMPDIR: scratch, TMP: scratch, TEMP: scratch },
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // A process group of its own: StarlingMonkey's initialisation is a grandchild, which has to end with the child.
      detached: !isWindows,
    })
    process.once('exit', this.#kill)
    this.#signal = signal
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#exited = promise
    // Only the end is of interest: a message is short, the stack at the end of it.
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr = (this.#stderr + text).slice(-64 * 1024)))
    this.#child.on('message', (message: FromChild) => this.#waiting?.resolve(message))
    this.#child.on('error', (error) =>
      this.#fail(new AmpouleError('Internal', 'the build process could not be started', { cause: error })),
    )
    this.#child.on('close', () => {
      resolve()
      this.#fail(new BuildError('the build process ended early', undefined, { cause: this.#stderr }))
    })
    this.#timer = setTimeout(
      () => this.#stop(new BuildError(`the build took longer than ${timeoutMs} ms (timeoutMs)`, undefined)),
      timeoutMs,
    )
    signal?.addEventListener('abort', this.#onAbort)
  }

  send(message: ToChild): void {
    this.#child.send(message, (error) => {
      if (error !== null) this.#fail(new BuildError('the build process ended early', undefined, { cause: this.#stderr }))
    })
  }

  async next<T extends FromChild['type']>(type: T): Promise<Answer<T>> {
    if (this.#failure !== undefined) throw this.#failure
    const { promise, resolve, reject } = Promise.withResolvers<FromChild>()
    this.#waiting = { resolve, reject }
    const message = await promise.finally(() => (this.#waiting = undefined))
    if (message.type === 'failed') throw new BuildError(message.message, message.position, { cause: message.internal })
    if (message.type !== type) throw new AmpouleError('Internal', `the build process answered ${message.type} instead of ${type}`)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- compared in the line above, which TypeScript does not follow
    return message as Answer<T>
  }

  async end(): Promise<void> {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    process.removeListener('exit', this.#kill)
    this.#kill()
    await this.#exited
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#signal?.reason
    this.#stop(reason instanceof Error ? reason : new AmpouleError('Cancelled', 'the build was cancelled', { cause: reason }))
  }

  #stop(error: Error): void {
    this.#fail(error)
    this.#kill()
  }

  readonly #kill = (): void => {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      if (isWindows) this.#child.kill('SIGKILL')
      else process.kill(-pid, 'SIGKILL')
    } catch (error) {
      // ESRCH: the whole group has ended already.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#waiting?.reject(this.#failure)
  }
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  )
